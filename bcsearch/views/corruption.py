"""Operations that imitate other cameras and programs: for scores, never for training."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bcsearch.views.operation import Kind, Operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.views.view import Setting


def jpeg(images: np.ndarray, settings: Mapping[str, Setting], seed: int) -> np.ndarray:
    """Write images (n, height, width, 3) uint8 as JPEG of ``quality`` and read them back."""
    quality = round(settings["quality"])  # type: ignore[arg-type]  # a number by the table
    found = np.empty_like(images)
    for row, image in enumerate(images):
        file = BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=quality)
        found[row] = np.asarray(Image.open(file))
    return found


CORRUPTIONS = {
    "jpeg": Operation(
        kind=Kind.CORRUPT,
        family="compression",
        doc="Compression as JPEG.",
        run=jpeg,
        settings={"quality": 30.0},
    ),
}
