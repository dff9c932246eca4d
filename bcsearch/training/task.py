"""What is learned: labels, and the rows that each fold trains and validates on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
    """Labels (n_images,) int64, and for each fold the rows to train and to validate on.

    ``n_epochs`` are those of a whole training. ``class_errors`` are the shares of each class,
    (n_folds, n_classes), that a linear head misses, where class weights ask for them. Images with
    one number in ``groups``, (n_images,), belong together.
    """

    labels: np.ndarray
    n_classes: int
    train_rows: Sequence[np.ndarray]
    valid_rows: Sequence[np.ndarray]
    n_epochs: int = 1
    class_errors: np.ndarray | None = None
    groups: np.ndarray | None = None

    @property
    def n_folds(self) -> int:
        """The number of folds."""
        return len(self.train_rows)

    @property
    def targets(self) -> np.ndarray:
        """The labels as soft ones, (n_images, n_classes) float32."""
        targets: np.ndarray = np.eye(self.n_classes, dtype=np.float32)[self.labels]
        return targets

    def out_of_fold(self, probabilities: Sequence[np.ndarray]) -> np.ndarray:
        """Put validation probabilities at their images' rows, (n_images, n_classes) float16."""
        whole = np.full((len(self.labels), self.n_classes), np.nan, np.float16)
        for rows, fold in zip(self.valid_rows, probabilities, strict=True):
            whole[rows] = fold
        return whole
