"""One traced training graph for each kind of head, used again for every width, fold count and rate. Imports tensorflow.

Weights are stacked over folds, (n_folds, n_in, n_out), in variables whose sizes are left open: tracing costs about a
second, so trials that differ in numbers only share the trace. Norms over folds are never taken, so folds cannot mix.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from bcsearch.training.losses import fold_losses, smoothed_targets
from bcsearch.training.updates import UPDATES, Moments, Rates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.records import Params

ACTIVATIONS = {
    "relu": tf.nn.relu,
    "gelu": tf.nn.gelu,
    "silu": tf.nn.silu,
    "elu": tf.nn.elu,
    "tanh": tf.nn.tanh,
}


class FeatureTable(NamedTuple):
    """What heads are trained on, with each fold's own scaling."""

    table: tf.Tensor  # (n_views * n_images, n_features) float32, view after view
    labels: tf.Tensor  # (n_images,) int32
    mean: tf.Tensor  # (n_folds, 1, n_features) float32, over the fold's training rows
    scale: tf.Tensor  # (n_folds, 1, n_features) float32, one over the standard deviation

    @property
    def n_bytes(self) -> int:
        """Bytes of the table, the only large part."""
        return int(tf.size(self.table)) * 4


class EpochRows(NamedTuple):
    """Rows of one epoch, as indices."""

    table_rows: tf.Tensor  # (n_steps, n_folds, batch) int32, rows of the table
    image_rows: tf.Tensor  # (n_steps, n_folds, batch) int32, rows of the labels
    class_weights: tf.Tensor  # (n_folds, n_classes) float32


class Knobs(NamedTuple):
    """Numbers of a trial that change nothing in the graph, as float32 scalars."""

    learning_rate: tf.Tensor
    weight_decay: tf.Tensor
    momentum: tf.Tensor
    dropout: tf.Tensor
    l2: tf.Tensor
    label_smoothing: tf.Tensor


def knobs_of(params: Params, learning_rate: float) -> Knobs:
    """Return the numbers of a configuration in an epoch of that learning rate."""
    numbers = [
        params.weight_decay,
        params.momentum,
        params.dropout,
        params.l2,
        params.label_smoothing,
    ]
    return Knobs(*[tf.constant(number, tf.float32) for number in [learning_rate, *numbers]])


class Kind(NamedTuple):
    """What changes the graph itself."""

    n_layers: int  # dense layers, the output layer among them
    activation: str
    optimizer: str
    with_l2: bool
    with_dropout: bool


def kind_of(params: Params) -> Kind:
    """Return what of a configuration changes the graph."""
    return Kind(
        n_layers=len(params.units) + 1,
        activation=params.activation,
        optimizer=params.optimizer,
        with_l2=params.l2 > 0,
        with_dropout=params.dropout > 0,
    )


def _floats(*shape: int | None) -> tf.TensorSpec:
    return tf.TensorSpec(shape, tf.float32)


def _ints(*shape: int | None) -> tf.TensorSpec:
    return tf.TensorSpec(shape, tf.int32)


_FEATURES = FeatureTable(
    _floats(None, None), _ints(None), _floats(None, 1, None), _floats(None, 1, None)
)
_BATCHES = EpochRows(_ints(None, None, None), _ints(None, None, None), _floats(None, None))
_KNOBS = Knobs(*[_floats() for _ in Knobs._fields])


class HeadLayers:
    """The dense layers of one kind, their optimizer state, and one step of training them."""

    def __init__(self, kind: Kind) -> None:
        self._with_l2, self._with_dropout = kind.with_l2, kind.with_dropout
        self._activation = ACTIVATIONS[kind.activation]
        self._update = UPDATES[kind.optimizer]
        self.kernels = [open_variable() for _ in range(kind.n_layers)]
        self.biases = [open_variable() for _ in range(kind.n_layers)]
        self._moments = [Moments(open_variable(), open_variable()) for _ in self.weights]

    @property
    def weights(self) -> list[tf.Variable]:
        """All kernels, then all biases."""
        return [*self.kernels, *self.biases]

    @property
    def variables(self) -> list[tf.Variable]:
        """Everything that training changes."""
        return [*self.weights, *(variable for moments in self._moments for variable in moments)]

    def reset(self, kernels: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> None:
        """Start from kernels (n_folds, n_in, n_out), biases (n_folds, 1, n_out) and empty optimizer state."""
        for variable, value in zip(self.weights, [*kernels, *biases], strict=True):
            variable.assign(value)
        for variable, moments in zip(self.weights, self._moments, strict=True):
            for moment in moments:
                moment.assign(tf.zeros_like(variable))

    def logits(self, inputs: tf.Tensor, dropout: tf.Tensor, seed: tf.Tensor | None) -> tf.Tensor:
        """Return (n_folds, batch, n_classes) of features (n_folds, batch, n_in); no dropout without a seed (2,)."""
        hidden = inputs
        for index, (kernel, bias) in enumerate(zip(self.kernels, self.biases, strict=True)):
            hidden = tf.matmul(hidden, kernel) + bias
            if index < len(self.kernels) - 1:
                hidden = self._activation(hidden)
                if seed is not None and self._with_dropout:
                    hidden = _dropped(hidden, dropout, tf.stack([seed[0] + index, seed[1]]))
        return hidden

    def penalised(self, loss: tf.Tensor, l2: tf.Tensor) -> tf.Tensor:
        """Add the L2 penalty of the kernels to a loss."""
        if not self._with_l2:
            return loss
        return tf.add_n([loss, *(l2 * tf.reduce_sum(tf.square(kernel)) for kernel in self.kernels)])

    def update(self, gradients: Sequence[tf.Tensor], knobs: Knobs, step: tf.Tensor) -> None:
        """Take one optimizer step; biases do not decay."""
        for index, (weight, moments, gradient) in enumerate(
            zip(self.weights, self._moments, gradients, strict=True)
        ):
            decay = knobs.weight_decay if index < len(self.kernels) else tf.constant(0.0)
            self._update(
                weight, moments, gradient, Rates(knobs.learning_rate, decay, knobs.momentum, step)
            )


class HeadGraph:
    """The traced functions of all heads of one kind."""

    def __init__(self, kind: Kind) -> None:
        self.layers = HeadLayers(kind)
        self.train_epoch = tf.function(
            self._train_epoch, input_signature=[_FEATURES, _BATCHES, _KNOBS, _ints()]
        )
        self.predict = tf.function(self._predict, input_signature=[_FEATURES, _ints(None, None)])
        self._step = tf.Variable(0.0)

    @property
    def variables(self) -> list[tf.Variable]:
        """Everything that training changes."""
        return [*self.layers.variables, self._step]

    def reset(self, kernels: Sequence[np.ndarray]) -> None:
        """Start anew from kernels (n_folds, n_in, n_out), zero biases and empty optimizer state."""
        biases = [np.zeros((kernel.shape[0], 1, kernel.shape[2]), np.float32) for kernel in kernels]
        self.layers.reset(kernels, biases)
        self._step.assign(0.0)

    def _train_epoch(
        self, features: FeatureTable, batches: EpochRows, knobs: Knobs, seed: tf.Tensor
    ) -> tf.Tensor:
        """Run all batches of an epoch; return the mean loss over batches and folds, without the L2 penalty."""
        table_rows, image_rows, class_weights = batches
        total = tf.constant(0.0)
        for step in tf.range(tf.shape(table_rows)[0]):
            targets = smoothed_targets(
                tf.gather(features.labels, image_rows[step]),
                tf.shape(class_weights)[1],
                knobs.label_smoothing,
            )
            inputs = (tf.gather(features.table, table_rows[step]) - features.mean) * features.scale
            total += self._train_step(inputs, targets, class_weights, knobs, seed)
        return total / tf.cast(tf.shape(table_rows)[0] * tf.shape(table_rows)[1], tf.float32)

    def _train_step(
        self,
        inputs: tf.Tensor,
        targets: tf.Tensor,
        class_weights: tf.Tensor,
        knobs: Knobs,
        seed: tf.Tensor,
    ) -> tf.Tensor:
        self._step.assign_add(1.0)
        with tf.GradientTape() as tape:
            logits = self.layers.logits(
                inputs, knobs.dropout, tf.stack([seed, tf.cast(self._step, tf.int32)])
            )
            loss = tf.reduce_sum(fold_losses(targets, logits, class_weights))
            whole = self.layers.penalised(loss, knobs.l2)
        self.layers.update(tape.gradient(whole, self.layers.weights), knobs, self._step)
        return loss

    def _predict(self, features: FeatureTable, rows: tf.Tensor) -> tf.Tensor:
        """Return probabilities (n_folds, n_rows, n_classes) of clean rows (n_folds, n_rows)."""
        inputs = (tf.gather(features.table, rows) - features.mean) * features.scale
        return tf.nn.softmax(self.layers.logits(inputs, tf.constant(0.0), None))


@lru_cache(maxsize=64)
def head_graph(kind: Kind) -> HeadGraph:
    """Return the graph of this kind of head, made at its first use; one trial at a time may use it."""
    return HeadGraph(kind)


def open_variable() -> tf.Variable:
    """Return a variable of three dimensions whose sizes are left open."""
    return tf.Variable(tf.zeros((1, 1, 1)), shape=tf.TensorShape([None, None, None]))


def _dropped(hidden: tf.Tensor, rate: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Zero a share of the units, and scale up the others by what is left.

    One random byte decides on a unit, as drawing costs more than all else here: the rate acts in steps of 1/256.
    """
    shape = tf.shape(hidden)
    words = tf.random.stateless_uniform([tf.size(hidden) // 4 + 1], seed, None, None, tf.int32)
    random_bytes = tf.reshape(tf.bitcast(words, tf.uint8), [-1])[: tf.size(hidden)]
    least = tf.round(rate * 256.0)
    keep = tf.reshape(random_bytes, shape) >= tf.cast(least, tf.uint8)
    return hidden * (tf.cast(keep, tf.float32) * (256.0 / (256.0 - least)))
