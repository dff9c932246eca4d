"""Views of images by one operation of the table, with statistics of the same images."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def made(images: np.ndarray, name: str, seed: int) -> np.ndarray:
    """Return the first random copy of images (n, height, width, 3) uint8 after an operation."""
    from bcsearch.recipe import Params
    from bcsearch.views.making import make_chunk
    from bcsearch.views.table import OPS
    from bcsearch.views.view import Applied, View

    row = OPS[name]
    settings = dict(row.settings)
    settings |= {setting: float(Params()[given]) for setting, given in row.params.items()}
    if row.fit is not None:
        settings |= row.fit([images])
    return make_chunk(images, View((Applied.of(name, settings),), 1, seed), 0)
