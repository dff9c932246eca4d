"""Heads of all folds on cached features, trained abreast. Imports tensorflow and keras."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from bcsearch.seeds import derive_seed
from bcsearch.training import head_graph
from bcsearch.training.batches import Batches, padded, view_of
from bcsearch.training.class_weights import class_weights
from bcsearch.training.keras_head import keras_head

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bcsearch.records import Params
    from bcsearch.training.loop import Task


VARIANCE_FLOOR = 1e-3  # keeps a feature that hardly varies on the training rows from being blown up


def load_features(views: Sequence[np.ndarray], task: Task) -> head_graph.FeatureTable:
    """Bring views (n_images, n_features) into memory, with each fold's mean and scale over its clean training rows."""
    clean = np.asarray(views[0], np.float32)
    folds = [clean[rows] for rows in task.train_rows]
    deviations = [np.sqrt(fold.var(axis=0) + VARIANCE_FLOOR) for fold in folds]
    return head_graph.FeatureTable(
        table=tf.constant(np.concatenate(views).astype(np.float32)),
        labels=tf.constant(task.labels.astype(np.int32)),
        mean=tf.constant(np.stack([fold.mean(axis=0) for fold in folds])[:, np.newaxis]),
        scale=tf.constant(1.0 / np.stack(deviations)[:, np.newaxis]),
    )


def head_kind(params: Params) -> head_graph.Kind:
    """Return what of the parameters changes the graph itself."""
    return head_graph.Kind(
        n_layers=len(params.units) + 1,
        activation=params.activation,
        optimizer=params.optimizer,
        with_l2=params.l2 > 0,
        with_dropout=params.dropout > 0,
    )


def first_kernels(widths: Sequence[int], n_folds: int, seed: int) -> list[np.ndarray]:
    """Draw the first kernels of every layer, (n_folds, n_in, n_out) float32, by Glorot and Bengio's uniform rule."""
    kernels = []
    for layer, (n_in, n_out) in enumerate(pairwise(widths)):
        limit = np.sqrt(6.0 / (n_in + n_out))
        draws = [np.random.default_rng(derive_seed(seed, "kernel", layer, fold)) for fold in range(n_folds)]
        kernels.append(np.stack([draw.uniform(-limit, limit, (n_in, n_out)).astype(np.float32) for draw in draws]))
    return kernels


class HeadTrainer:
    """Trains the k heads of one trial; see ``FoldTrainer``."""

    def __init__(
        self,
        body: Callable[[], keras.Model],
        features: head_graph.FeatureTable,
        task: Task,
        params: Params,
        seed: int,
    ) -> None:
        """Take features of all views; ``body`` gives the frozen backbone from raw images to features, when asked."""
        self._body, self._features, self._task, self._params, self._seed = body, features, task, params, seed
        self._n_views = features.table.shape[0] // len(task.labels)
        self._batches = Batches(train_rows=task.train_rows, batch_size=params.batch_size, seed=seed)
        self._valid = tf.constant(padded(task.valid_rows)) if len(task.valid_rows) else None
        labels = (task.labels[rows] for rows in task.train_rows)
        weights = [class_weights(params.class_weights, fold, task.n_classes) for fold in labels]
        self._class_weights = tf.constant(np.stack(weights))
        self._graph = head_graph.head_graph(head_kind(params))
        self._graph.reset(first_kernels(self._widths, len(task.train_rows), seed))

    @property
    def _widths(self) -> list[int]:
        return [self._features.table.shape[1], *self._params.units, self._task.n_classes]

    @property
    def rows_per_epoch(self) -> int:
        """Rows that all folds together are shown in an epoch."""
        return self._batches.n_steps * self._batches.size * len(self._task.train_rows)

    def train_epoch(self, epoch: int, learning_rate: float) -> float:
        """Train every head for one epoch; return the mean training loss."""
        rows = self._batches.rows(epoch)
        table_rows = view_of(rows, epoch, self._n_views) * len(self._task.labels) + rows
        batches = head_graph.EpochRows(tf.constant(table_rows), tf.constant(rows), self._class_weights)
        seed = tf.constant(derive_seed(self._seed, "dropout", epoch), tf.int32)
        return float(self._graph.train_epoch(self._features, batches, self._knobs(learning_rate), seed))

    def predict(self) -> Sequence[np.ndarray]:
        """Return for each fold the probabilities of its validation rows, on clean images."""
        stacked = self._graph.predict(self._features, self._valid).numpy()
        return [fold[: len(rows)] for fold, rows in zip(stacked, self._task.valid_rows, strict=True)]

    def model(self) -> keras.Model:
        """Return the first fold's head on top of its backbone, from raw images to probabilities."""
        body = self._body()
        return keras.Model(body.input, self._head()(body.output))

    def _head(self) -> keras.Model:
        mean, scale = self._features.mean[0, 0].numpy(), self._features.scale[0, 0].numpy()
        head = keras_head(self._params, len(mean), self._task.n_classes, scaling=(mean, scale))
        dense = [layer for layer in head.layers if isinstance(layer, keras.layers.Dense)]
        for layer, kernel, bias in zip(dense, self._graph.kernels, self._graph.biases, strict=True):
            layer.set_weights([kernel[0].numpy(), bias[0, 0].numpy()])
        return head

    def _knobs(self, learning_rate: float) -> head_graph.Knobs:
        params = self._params
        numbers = [params.weight_decay, params.momentum, params.dropout, params.l2, params.label_smoothing]
        return head_graph.Knobs(*[tf.constant(number, tf.float32) for number in [learning_rate, *numbers]])
