"""Heads of all folds on cached features, trained abreast. Imports tensorflow and training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from bcsearch.seeds import derive_seed
from bcsearch.training import head_graph
from bcsearch.training.batches import Batches, padded, view_of
from bcsearch.training.class_weights import class_weights
from bcsearch.training.fold_weights import FoldWeights, Scaling, first_kernels, scalings
from bcsearch.training.protocol import Check, nothing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bcsearch.records import Params
    from bcsearch.training.loop import Task


def load_features(views: Sequence[np.ndarray], task: Task) -> head_graph.FeatureTable:
    """Bring views (n_images, n_features) into memory, with each fold's mean and scale over its clean training rows."""
    folds = scalings(views[0], task)
    return head_graph.FeatureTable(
        table=tf.constant(np.concatenate(views).astype(np.float32)),
        labels=tf.constant(task.labels.astype(np.int32)),
        mean=tf.constant(np.stack([fold.mean for fold in folds])[:, np.newaxis]),
        scale=tf.constant(np.stack([fold.scale for fold in folds])[:, np.newaxis]),
    )


class HeadTrainer:
    """Trains the k heads of one trial; see ``FoldTrainer``."""

    def __init__(
        self, features: head_graph.FeatureTable, task: Task, params: Params, seed: int
    ) -> None:
        """Take features of all views."""
        self._features, self._task, self._params, self._seed = features, task, params, seed
        self._n_views = features.table.shape[0] // len(task.labels)
        self._batches = Batches(train_rows=task.train_rows, batch_size=params.batch_size, seed=seed)
        self._valid = tf.constant(padded(task.valid_rows)) if len(task.valid_rows) else None
        labels = (task.labels[rows] for rows in task.train_rows)
        weights = [class_weights(params.class_weights, fold, task.n_classes) for fold in labels]
        self._class_weights = tf.constant(np.stack(weights))
        self._graph = head_graph.head_graph(head_graph.kind_of(params))
        widths = [features.table.shape[1], *params.units, task.n_classes]
        folds = [first_kernels(widths, fold, seed) for fold in range(len(task.train_rows))]
        self._graph.reset([np.stack(layer) for layer in zip(*folds, strict=True)])

    @property
    def rows_per_epoch(self) -> int:
        """Rows that all folds together are shown in an epoch."""
        return self._batches.n_steps * self._batches.size * len(self._task.train_rows)

    def train_epoch(self, epoch: int, learning_rate: float, check: Check = nothing) -> float:
        """Train every head for one epoch; return the mean training loss."""
        check()
        rows = self._batches.rows(epoch)
        table_rows = view_of(rows, epoch, self._n_views) * len(self._task.labels) + rows
        batches = head_graph.EpochRows(
            tf.constant(table_rows), tf.constant(rows), self._class_weights
        )
        seed = tf.constant(derive_seed(self._seed, "dropout", epoch), tf.int32)
        knobs = head_graph.knobs_of(self._params, learning_rate)
        return float(self._graph.train_epoch(self._features, batches, knobs, seed))

    def predict(self) -> Sequence[np.ndarray]:
        """Return for each fold the probabilities of its validation rows, on clean images."""
        stacked = self._graph.predict(self._features, self._valid).numpy()
        return [
            fold[: len(rows)] for fold, rows in zip(stacked, self._task.valid_rows, strict=True)
        ]

    def state(self) -> dict[str, np.ndarray]:
        """Return the stacked weights and optimizer state."""
        return {
            str(index): variable.numpy() for index, variable in enumerate(self._graph.variables)
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from a state."""
        for index, variable in enumerate(self._graph.variables):
            variable.assign(state[str(index)])

    def weights(self) -> list[FoldWeights]:
        """Return the weights of every fold."""
        mean, scale = self._features.mean.numpy(), self._features.scale.numpy()
        kernels = [kernel.numpy() for kernel in self._graph.layers.kernels]
        biases = [bias.numpy() for bias in self._graph.layers.biases]
        return [
            FoldWeights(
                scaling=Scaling(mean=mean[fold, 0], scale=scale[fold, 0]),
                kernels=[kernel[fold] for kernel in kernels],
                biases=[bias[fold, 0] for bias in biases],
            )
            for fold in range(len(self._task.train_rows))
        ]
