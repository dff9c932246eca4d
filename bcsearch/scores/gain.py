"""Whether predictions made in another way score better by more than chance explains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bcsearch.records.ending import Gain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LEAST_PARTS = 3  # of which a standard deviation says something
PARTS = 5  # that a single fold is divided into


def gain_of(
    name: str,
    measure: Callable[[np.ndarray, np.ndarray], float],
    labels: Sequence[np.ndarray],
    plain: Sequence[np.ndarray],
    other: Sequence[np.ndarray],
) -> Gain:
    """Compare two ways to predict the same validation images.

    Args:
        name: of the other way.
        measure: from labels (n,) and probabilities (n, n_classes) to a score, higher is better.
        labels: of each fold, (n_valid,).
        plain: probabilities of each fold, (n_valid, n_classes).
        other: the same in the other way.
    """
    parts = [
        (labels[fold][rows], plain[fold][rows], other[fold][rows])
        for fold in range(len(labels))
        for rows in _parts(len(labels[fold]), len(labels))
    ]
    changes = [measure(right, new) - measure(right, old) for right, old, new in parts]
    return Gain.of(name, changes)


def _parts(n_rows: int, n_folds: int) -> list[np.ndarray]:
    """Return the rows of a fold, divided where there are too few folds to tell their spread."""
    n_parts = 1 if n_folds >= LEAST_PARTS else PARTS
    order = np.random.default_rng(0).permutation(n_rows)
    return np.array_split(order, min(n_parts, n_rows))
