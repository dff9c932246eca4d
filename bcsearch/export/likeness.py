"""What a model's training images look like, kept beside it, and images held against that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bcsearch.check.likeness import Likeness
from bcsearch.data.archive import opened, read_array
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

LIKENESS_NAME = "training_images.npz"
RANGES = ("low", "high", "spread")


def write_likeness(path: Path, likeness: Likeness) -> None:
    """Write what training images look like: by measure its range, then features of classes."""
    arrays = {name: np.array([*getattr(likeness, name).values()]) for name in RANGES}
    arrays["measures"] = np.array(list(likeness.low), dtype=str)
    arrays |= {"centres": likeness.centres, "scale": likeness.scale}
    np.savez(path, allow_pickle=False, **arrays)


def read_likeness(folder: Path) -> Likeness | None:
    """Read it from the folder of a model; None where it is not kept, or is damaged."""
    path = folder / LIKENESS_NAME
    try:
        with opened(path) as archive:
            names = read_array(archive, "measures", path).tolist()
            ranges = {
                name: dict(zip(names, read_array(archive, name, path).tolist(), strict=True))
                for name in RANGES
            }
            centres, scale = (read_array(archive, name, path) for name in ("centres", "scale"))
        found = Likeness(**ranges, centres=centres, scale=scale)
        return found if found.is_sound else None
    except (DataError, ValueError, TypeError):
        return None
