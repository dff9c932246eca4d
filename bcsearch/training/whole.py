"""Networks trained whole from images, one a fold, abreast by epochs. Imports tensorflow and keras.

Only one network is alive: between its turns a fold's weights and optimizer state are parked in memory, so that the
graph is traced once and k folds cost the memory of one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from bcsearch.training.batches import Batches, view_of
from bcsearch.training.class_weights import class_weights
from bcsearch.training.losses import smoothed_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bcsearch.records import Params
    from bcsearch.training.loop import Task

PREDICT_BATCH = 256

OPTIMIZERS: dict[str, Callable[[Params], keras.optimizers.Optimizer]] = {
    "adam": lambda params: keras.optimizers.Adam(params.learning_rate),
    "adamw": lambda params: keras.optimizers.AdamW(params.learning_rate, weight_decay=params.weight_decay),
    "sgd": lambda params: keras.optimizers.SGD(params.learning_rate, params.momentum, nesterov=True),
    "rmsprop": lambda params: keras.optimizers.RMSprop(params.learning_rate, momentum=params.momentum),
    "lion": lambda params: keras.optimizers.Lion(params.learning_rate, weight_decay=params.weight_decay),
}


class WholeTrainer:
    """Trains k whole networks of one trial, all from the same first weights; see ``FoldTrainer``."""

    def __init__(self, model: keras.Model, views: Sequence[np.ndarray], task: Task, params: Params, seed: int) -> None:
        """Take an untrained network from images to probabilities and views (n_images, height, width, 3) uint8."""
        self._model, self._views, self._task = model, views, task
        self._batches = Batches(train_rows=task.train_rows, batch_size=params.batch_size, seed=seed)
        self._smoothing = params.label_smoothing
        labels = [task.labels[rows] for rows in task.train_rows]
        self._class_weights = [class_weights(params.class_weights, fold, task.n_classes) for fold in labels]
        self._optimizer = OPTIMIZERS[params.optimizer](params)
        self._optimizer.exclude_from_weight_decay(var_names=["bias"])  # as in heads on cached features
        self._optimizer.build(model.trainable_variables)
        self._variables = [*model.variables, *self._optimizer.variables]
        self._parked = [self._state() for _ in task.train_rows]
        self._train_step = tf.function(self._step, reduce_retracing=True)
        self._forward = tf.function(lambda images: model(images, training=False), reduce_retracing=True)

    def train_epoch(self, epoch: int, learning_rate: float) -> float:
        """Train every network for one epoch in turn; return the mean training loss."""
        rows = self._batches.rows(epoch)
        losses = []
        for fold in range(len(self._parked)):
            self._wake(fold)
            self._optimizer.learning_rate.assign(learning_rate)
            losses += [self._train_batch(fold, batch, epoch) for batch in rows[:, fold]]
            self._parked[fold] = self._state()
        return float(np.mean(losses))

    def predict(self) -> list[np.ndarray]:
        """Return for each fold the probabilities of its validation rows, on clean images."""
        found = []
        for fold, rows in enumerate(self._task.valid_rows):
            self._wake(fold)
            parts = [rows[start : start + PREDICT_BATCH] for start in range(0, len(rows), PREDICT_BATCH)]
            found.append(np.concatenate([self._forward(self._views[0][part]).numpy() for part in parts]))
        return found

    def model(self) -> keras.Model:
        """Return the first fold's network with its trained weights."""
        self._wake(0)
        return self._model

    def _state(self) -> list[np.ndarray]:
        return [variable.numpy() for variable in self._variables]

    def _wake(self, fold: int) -> None:
        for variable, value in zip(self._variables, self._parked[fold], strict=True):
            variable.assign(value)

    def _train_batch(self, fold: int, rows: np.ndarray, epoch: int) -> float:
        shown = view_of(rows, epoch, len(self._views))
        images = np.stack([self._views[view][row] for view, row in zip(shown, rows, strict=True)])
        return float(self._train_step(images, self._task.labels[rows], self._class_weights[fold]))

    def _step(self, images: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        targets = smoothed_targets(labels, self._task.n_classes, self._smoothing)
        with tf.GradientTape() as tape:
            losses = keras.losses.categorical_crossentropy(targets, self._model(images, training=True))
            loss = tf.reduce_mean(tf.linalg.matvec(targets, weights) * losses)
            whole = tf.add_n([loss, *self._model.losses])
        gradients = tape.gradient(whole, self._model.trainable_variables)
        self._optimizer.apply(gradients, self._model.trainable_variables)
        return loss
