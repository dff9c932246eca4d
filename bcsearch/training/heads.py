"""Heads of all folds on cached features, trained side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from bcsearch.seeds import derive_seed
from bcsearch.training.batch import numbers_of
from bcsearch.training.batches import Batches, padded, view_of
from bcsearch.training.class_weights import fold_class_weights
from bcsearch.training.fold_weights import FoldWeights, Scaling, first_kernels, scalings
from bcsearch.training.head import new_head, start_head
from bcsearch.training.head_functions import EpochRows, FeatureTable, head_functions
from bcsearch.training.protocol import Check, nothing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bcsearch.recipe import Params
    from bcsearch.training.protocol import Fresh
    from bcsearch.training.task import Task


def load_features(views: Sequence[np.ndarray], task: Task) -> FeatureTable:
    """Bring views (n_images, n_features) into memory, with each fold's scaling.

    The first view is the clean one.
    """
    folds = scalings(views[0], task)
    return FeatureTable(
        table=tf.constant(np.concatenate(views).astype(np.float32)),
        targets=tf.constant(task.targets),
        mean=tf.constant(np.stack([fold.mean for fold in folds])[:, np.newaxis]),
        scale=tf.constant(np.stack([fold.scale for fold in folds])[:, np.newaxis]),
    )


class HeadTrainer:
    """Trains the k heads of one trial; see ``FoldTrainer``."""

    def __init__(
        self,
        features: FeatureTable,
        task: Task,
        params: Params,
        seed: int,
        fresh: Fresh | None = None,
    ) -> None:
        """Take features of the views that are trained on, then of those that are only scored.

        With ``fresh``, which gives what each epoch trains on, the first view alone is clean and all
        others are only scored.
        """
        self._features, self._task, self._params, self._seed = features, task, params, seed
        self._fresh, self._n_views = fresh, 1
        if fresh is None:
            self._n_views = params.n_views
        self._batches = Batches.of(task, params, seed)
        self._class_weights = tf.constant(fold_class_weights(params, task))
        self._functions = head_functions(params)
        self._head = new_head(len(params.units) + 1, params.head_norm)
        widths = [features.table.shape[1], *params.units, task.n_classes]
        folds = [first_kernels(widths, fold, seed) for fold in range(len(task.train_rows))]
        kernels = [np.stack(layer) for layer in zip(*folds, strict=True)]
        biases = [np.zeros((len(folds), 1, width), np.float32) for width in widths[1:]]
        start_head(self._head, kernels, biases)

    def train_epoch(self, epoch: int, learning_rate: float, check: Check = nothing) -> float:
        """Train every head for one epoch; return the mean training loss."""
        check()
        features = self._features
        if self._fresh is not None:
            (table,), targets = self._fresh(epoch, check)
            features = features._replace(
                table=tf.constant(table, tf.float32), targets=tf.constant(targets)
            )
        rows = self._batches.rows(epoch)
        shown = view_of(rows, self._batches.turns(rows, epoch), self._n_views)
        table_rows = tf.constant(shown * len(self._task.labels) + rows, tf.int32)
        of_epoch = EpochRows(table_rows, tf.constant(rows), self._class_weights)
        seed = tf.constant(derive_seed(self._seed, "dropout", epoch), tf.int32)
        numbers = numbers_of(self._params, learning_rate)
        loss = self._functions.train_epoch(features, of_epoch, numbers, seed, self._head)
        return float(loss)

    def predict(self, shift: int = 0) -> Sequence[np.ndarray]:
        """Return for each fold the probabilities of its validation rows."""
        place = 0
        if shift:
            place = self._n_views + shift - 1
        rows = padded(self._task.valid_rows) + place * len(self._task.labels)
        stacked = self._functions.predict(
            self._features, tf.constant(rows, tf.int32), self._head
        ).numpy()
        return [
            fold[: len(rows)] for fold, rows in zip(stacked, self._task.valid_rows, strict=True)
        ]

    def state(self) -> dict[str, np.ndarray]:
        """Return the stacked weights and optimizer state."""
        return {str(index): each.numpy() for index, each in enumerate(self._head.variables)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from a state."""
        for index, variable in enumerate(self._head.variables):
            variable.assign(state[str(index)])

    def weights(self) -> list[FoldWeights]:
        """Return the weights of every fold."""
        mean, scale = self._features.mean.numpy(), self._features.scale.numpy()
        kernels = [kernel.numpy() for kernel in self._head.kernels]
        biases = [bias.numpy() for bias in self._head.biases]
        norms = [[values.numpy() for values in norm] for norm in self._head.norms]
        return [
            FoldWeights(
                scaling=Scaling(mean=mean[fold, 0], scale=scale[fold, 0]),
                kernels=[kernel[fold] for kernel in kernels],
                biases=[bias[fold, 0] for bias in biases],
                norms=[[values[fold, 0] for values in norm] for norm in norms],
            )
            for fold in range(len(self._task.train_rows))
        ]
