"""Which rows each fold sees in which order: whole batches, the same number for every fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.seeds import derive_seed

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batches:
    """Draws the batches of an epoch.

    Folds with fewer rows than the longest are filled by rows seen again.
    """

    train_rows: Sequence[np.ndarray]
    batch_size: int
    seed: int

    @property
    def size(self) -> int:
        """Rows in a batch: ``batch_size``, or the smallest fold where that is smaller."""
        return min(self.batch_size, *(len(rows) for rows in self.train_rows))

    @property
    def n_steps(self) -> int:
        """Batches in an epoch: enough for the longest fold to be seen whole."""
        return -(-max(len(rows) for rows in self.train_rows) // self.size)

    def rows(self, epoch: int) -> np.ndarray:
        """Return the rows of ``epoch``, (n_steps, n_folds, size) int32.

        No order depends on another fold's rows.
        """
        wanted = self.n_steps * self.size
        orders = [self._order(fold, epoch, wanted) for fold in range(len(self.train_rows))]
        return (
            np.stack(orders, axis=1)
            .reshape(self.n_steps, self.size, -1)
            .swapaxes(1, 2)
            .astype(np.int32)
        )

    def _order(self, fold: int, epoch: int, wanted: int) -> np.ndarray:
        rows = self.train_rows[fold]
        random = np.random.default_rng(derive_seed(self.seed, "order", fold, epoch))
        passes = -(-wanted // len(rows))
        return np.concatenate([random.permutation(rows) for _ in range(passes)])[:wanted]


def padded(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Stack row indices of unlike lengths, (n_folds, longest) int32, filled with row 0.

    Callers cut what is filled.
    """
    longest = max(len(each) for each in rows)
    stacked = np.zeros((len(rows), longest), np.int32)
    for index, each in enumerate(rows):
        stacked[index, : len(each)] = each
    return stacked


def view_of(rows: np.ndarray, epoch: int, n_views: int) -> np.ndarray:
    """Return the view that each row shows: image i uses view (i + epoch) mod n_views."""
    return (rows + epoch) % n_views
