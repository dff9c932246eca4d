"""Which rows each fold sees in which order: whole batches, the same number for every fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.seeds import derive_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bcsearch.recipe import Params
    from bcsearch.training.task import Task

# from the number of epochs to the first in which every class is drawn alike; None where none is.
# The second stage is that of Kang and others, "Decoupling Representation and Classifier for
# Long-Tailed Recognition" (2020)
SAMPLINGS: dict[str, Callable[[int], int | None]] = {
    "natural": lambda n_epochs: None,
    "balanced": lambda n_epochs: 0,
    "second_stage": lambda n_epochs: 3 * n_epochs // 4,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batches:
    """Draws the batches of an epoch.

    Folds with fewer rows than the longest are filled by rows seen again.

    Attributes:
        labels: of all images, (n_images,); needed where classes are drawn alike.
        balanced_from: the first epoch in which they are; None where there is none.
    """

    train_rows: Sequence[np.ndarray]
    batch_size: int
    seed: int
    labels: np.ndarray | None = None
    balanced_from: int | None = None

    @classmethod
    def of(cls, task: Task, params: Params, seed: int) -> Batches:
        """Return the batches of a configuration."""
        return cls(
            train_rows=task.train_rows,
            batch_size=params.batch_size,
            seed=seed,
            labels=task.labels,
            balanced_from=SAMPLINGS[params.sampling](task.n_epochs),
        )

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

    def turns(self, rows: np.ndarray, epoch: int) -> np.ndarray:
        """Return the turn of each of an epoch's rows, (n_steps, n_folds, size): the epoch.

        Where classes are drawn alike it is one more each time that a fold sees the row again.
        """
        turns = np.full(rows.shape, epoch)
        if self.is_balanced(epoch):
            for fold in range(rows.shape[1]):
                turns[:, fold] += _times_before(rows[:, fold])
        return turns

    def is_balanced(self, epoch: int) -> bool:
        """Whether every class is drawn alike in an epoch."""
        return self.balanced_from is not None and epoch >= self.balanced_from

    def is_second_stage(self, epoch: int) -> bool:
        """Whether other epochs came before those in which every class is drawn alike."""
        return bool(self.balanced_from) and self.is_balanced(epoch)

    def _order(self, fold: int, epoch: int, wanted: int) -> np.ndarray:
        rows = self.train_rows[fold]
        random = np.random.default_rng(derive_seed(self.seed, "order", fold, epoch))
        if self.labels is None or not self.is_balanced(epoch):
            return _cycled(rows, wanted, random)
        labels = self.labels[rows]
        classes = np.unique(labels)
        shares = np.full(len(classes), wanted // len(classes))
        left = np.arange(wanted % len(classes))
        shares[(left + epoch) % len(classes)] += 1
        drawn = [
            _cycled(rows[labels == label], share, random)
            for label, share in zip(classes, shares, strict=True)
        ]
        return random.permutation(np.concatenate(drawn))


def _cycled(rows: np.ndarray, wanted: int, random: np.random.Generator) -> np.ndarray:
    """Return so many of some rows: all of them in an order of chance, again and again."""
    passes = -(-wanted // len(rows))
    return np.concatenate([rows[:0], *(random.permutation(rows) for _ in range(passes))])[:wanted]


def _times_before(rows: np.ndarray) -> np.ndarray:
    """Return for each of some rows how often the same one stands before it."""
    order = np.argsort(rows, axis=None, kind="stable")
    _, firsts, counts = np.unique(rows.ravel()[order], return_index=True, return_counts=True)
    times = np.empty(rows.size, np.int64)
    times[order] = np.arange(rows.size) - np.repeat(firsts, counts)
    return times.reshape(rows.shape)


def padded(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Stack row indices of unlike lengths, (n_folds, longest) int32, filled with row 0.

    Callers cut what is filled.
    """
    longest = max(len(each) for each in rows)
    stacked = np.zeros((len(rows), longest), np.int32)
    for index, each in enumerate(rows):
        stacked[index, : len(each)] = each
    return stacked


def view_of(rows: np.ndarray, turns: np.ndarray | int, n_views: int) -> np.ndarray:
    """Return the view that each row shows: image i uses view (i + turn) mod n_views."""
    return (rows + turns) % n_views
