"""Heads and the unfrozen part of their backbone, one a fold, in lockstep by epochs.

Only one fold is alive: between its turns its weights and optimizer state are parked, so that the
graph is traced once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from bcsearch.seeds import derive_seed
from bcsearch.training.batch import numbers_of
from bcsearch.training.batches import Batches, view_of
from bcsearch.training.class_weights import fold_class_weights
from bcsearch.training.parking import Parking
from bcsearch.training.protocol import Check, Shown, nothing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bcsearch.recipe import Params
    from bcsearch.training.fold_weights import FoldWeights
    from bcsearch.training.protocol import Fresh
    from bcsearch.training.suffix_graph import SuffixGraph
    from bcsearch.training.task import Task


class SuffixTrainer:
    """Trains the k folds of one trial from activations at a cut; see ``FoldTrainer``."""

    def __init__(  # noqa: PLR0913 - what training is made of
        self,
        graph: SuffixGraph,
        views: Sequence[np.ndarray],
        task: Task,
        params: Params,
        *,
        start: Sequence[FoldWeights],
        seed: int,
        fresh: Fresh | None = None,
    ) -> None:
        """Take the graph, activations and the weights that folds start from.

        ``views`` are activations (n_images, *shape of the cut) of the views that training cycles
        through, then of those that are only scored. With ``fresh``, which gives what each epoch
        trains on, the first alone is clean and all others are only scored.
        """
        self._graph, self._task, self._params, self._seed = graph, task, params, seed
        n_views = 1
        if fresh is None:
            n_views = params.n_views
        stored = Shown(views[:n_views], task.targets)
        self._shown: Fresh = fresh or (lambda epoch, check: stored)
        self._scored = [views[0], *views[n_views:]]
        self._batches = Batches.of(task, params, seed)
        weights = fold_class_weights(params, task)
        self._class_weights = [tf.constant(each) for each in weights]
        self._parking = self._parked(start)

    def train_epoch(self, epoch: int, learning_rate: float, check: Check = nothing) -> float:
        """Train every fold for one epoch in turn; return the mean training loss."""
        shown = self._shown(epoch, check)
        rows = self._batches.rows(epoch)
        turns = self._batches.turns(rows, epoch)
        numbers = numbers_of(self._params, learning_rate)
        train = self._graph.train_step
        if self._batches.is_second_stage(epoch):
            train = self._graph.train_head
        losses = []
        for fold in range(len(self._class_weights)):
            self._parking.wake(fold)
            seed = tf.constant(derive_seed(self._seed, "dropout", epoch, fold), tf.int32)
            for batch, shown_at in zip(rows[:, fold], turns[:, fold], strict=True):
                check()
                inputs = gathered(shown.views, batch, shown_at)
                targets = tf.constant(shown.targets[batch])
                weights = self._class_weights[fold]
                losses.append(train(inputs, targets, weights, numbers, seed))
            self._parking.park(fold)
        return float(np.mean([loss.numpy() for loss in losses]))

    def predict(self, shift: int = 0) -> list[np.ndarray]:
        """Return for each fold the probabilities of its validation rows."""
        view = self._scored[shift]
        found = []
        for fold, rows in enumerate(self._task.valid_rows):
            self._parking.wake(fold)
            starts = range(0, len(rows), self._batches.size)
            parts = [rows[start : start + self._batches.size] for start in starts]
            outputs = [self._graph.predict(view[part]).numpy() for part in parts]
            found.append(np.concatenate(outputs))
        return found

    def weights(self) -> list[FoldWeights]:
        """Return the weights of every fold."""
        found = []
        for fold in range(len(self._class_weights)):
            self._parking.wake(fold)
            found.append(self._graph.fold())
        return found

    def state(self) -> dict[str, np.ndarray]:
        """Return the weights and optimizer state of every fold."""
        folds = range(len(self._class_weights))
        return {
            _name(fold, i): value
            for fold in folds
            for i, value in enumerate(self._parking.kept(fold))
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from a state."""
        for fold in range(len(self._class_weights)):
            values = [state[_name(fold, index)] for index in range(len(self._parking.kept(fold)))]
            self._parking.replace(fold, values)

    def _parked(self, start: Sequence[FoldWeights]) -> Parking:
        self._graph.load(start[0])
        parking = Parking(self._graph.variables, len(start))
        for fold, weights in enumerate(start):
            self._graph.load(weights)
            parking.park(fold)
        return parking


def _name(fold: int, index: int) -> str:
    return f"{fold}.{index}"


def gathered(views: Sequence[np.ndarray], rows: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Return what each row shows at its turn, (n_rows, ...), of the views' type."""
    shown = view_of(rows, turns, len(views))
    batch = np.empty((len(rows), *views[0].shape[1:]), np.result_type(*views))
    for view in np.unique(shown):
        here = shown == view
        batch[here] = views[view][rows[here]]
    return batch
