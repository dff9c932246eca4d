"""Finds the two most similar images on both sides of a fold: what is left of copies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bcsearch.check.found import Found
from bcsearch.check.nearest import BLOCK
from bcsearch.records.checked import MostAlike

if TYPE_CHECKING:
    from bcsearch.check.looked import Looked, Nearest
    from bcsearch.data.folds import Folds

NOT_THERE = -2.0  # below any cosine


def most_alike(looked: Looked) -> Found:
    """Find the two images in different parts of a fold that are most similar to a backbone."""
    near, divided = looked.nearest, looked.divided
    if near is None or divided is None:
        return Found(left_out="similarity across folds needs features of a backbone and folds")
    part = _parts(divided.folds, looked.dataset.n_images)
    apart = part[near.others] != part[near.kept][:, np.newaxis]
    cosines = np.where(apart, near.cosines, NOT_THERE)
    places = cosines.argmax(axis=1)
    best = np.take_along_axis(cosines, places[:, np.newaxis], axis=1)[:, 0]
    others = np.take_along_axis(near.others, places[:, np.newaxis], axis=1)[:, 0]
    _look_farther(np.flatnonzero(best == NOT_THERE), near, part, best, others)
    row = int(best.argmax())
    found = MostAlike(
        row=int(near.kept[row]), other=int(others[row]), cosine=round(float(best[row]), 4)
    )
    return Found(most_alike=found)


def _parts(folds: Folds, n_images: int) -> np.ndarray:
    """Return for each image the number of the part that it is validated or tested in."""
    part = np.zeros(n_images, np.int64)
    for fold in folds.folds:
        part[fold.valid] = fold.index + 1
    part[folds.test] = folds.n_folds + 1
    return part


def _look_farther(
    places: np.ndarray, near: Nearest, part: np.ndarray, best: np.ndarray, others: np.ndarray
) -> None:
    """Compare images whose nearest are all in their own part with those of the other parts."""
    parts = part[near.kept]
    for start in range(0, len(places), BLOCK):
        block = places[start : start + BLOCK]
        alike = near.vectors[block] @ near.vectors.T
        alike[parts[block][:, np.newaxis] == parts] = NOT_THERE
        nearest = alike.argmax(axis=1)
        best[block] = alike[np.arange(len(block)), nearest]
        others[block] = near.kept[nearest]
