"""The dense layers of the heads of all folds: their weights, and what they make of features.

Weights are stacked over folds, (n_folds, n_in, n_out). Each fold is normalised by its own rows, so
folds cannot mix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from bcsearch.training.optimizers import Moments

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bcsearch.training.batch import Numbers, Traced

ACTIVATIONS = {
    "relu": tf.nn.relu,
    "gelu": tf.nn.gelu,
    "silu": tf.nn.silu,
    "elu": tf.nn.elu,
    "tanh": tf.nn.tanh,
}


NORM_EPSILON, NORM_MOMENTUM = 1e-3, 0.9  # added to variances; kept of a running mean at a step


class Norm(NamedTuple):
    """What normalises a hidden layer, (n_folds, 1, n_units) each.

    Layer norm has no use for what runs along.
    """

    scale: tf.Variable
    offset: tf.Variable
    running_mean: tf.Variable
    running_variance: tf.Variable


class HeadState(NamedTuple):
    """Everything that training heads changes; ``step`` counts the updates."""

    kernels: list[tf.Variable]  # (n_folds, n_in, n_out) each, from the features on
    biases: list[tf.Variable]  # (n_folds, 1, n_out) each
    norms: list[Norm]  # of the hidden layers, or none
    moments: list[Moments]  # of the weights, in their order
    step: tf.Variable

    @property
    def weights(self) -> list[tf.Variable]:
        """All kernels, then all biases, then the scales and the offsets of norms."""
        scales = [norm.scale for norm in self.norms]
        offsets = [norm.offset for norm in self.norms]
        return [*self.kernels, *self.biases, *scales, *offsets]

    @property
    def variables(self) -> list[tf.Variable]:
        """All variables, always in the same order."""
        moments = [each for pair in self.moments for each in pair]
        running = [each for norm in self.norms for each in norm[2:]]
        return [*self.weights, *moments, self.step, *running]


class HeadOutput(NamedTuple):
    """What heads make of features: what the output layer is given, and the logits."""

    embedding: tf.Tensor  # (n_folds, batch, n_units)
    logits: tf.Tensor  # (n_folds, batch, n_classes)


def new_head(n_layers: int, norm: str = "none") -> HeadState:
    """Return variables for so many dense layers, their sizes left open."""
    kernels = [open_variable() for _ in range(n_layers)]
    biases = [open_variable() for _ in range(n_layers)]
    norms = []
    if norm in HEAD_NORMS:
        norms = [Norm(*(open_variable() for _ in Norm._fields)) for _ in range(n_layers - 1)]
    n_weights = 2 * (n_layers + len(norms))
    moments = [Moments(open_variable(), open_variable()) for _ in range(n_weights)]
    return HeadState(kernels, biases, norms, moments, tf.Variable(0.0))


def start_head(
    head: HeadState,
    kernels: Sequence[np.ndarray],
    biases: Sequence[np.ndarray],
    norms: Sequence[Sequence[np.ndarray]] = (),
) -> None:
    """Start from kernels (n_folds, n_in, n_out) and biases (n_folds, 1, n_out).

    ``norms`` hold the values of each ``Norm``; without them they change nothing at first.
    """
    if head.norms and not norms:
        ones_zeros = [(np.ones_like(bias), np.zeros_like(bias)) for bias in biases[:-1]]
        norms = [(ones, zeros, zeros, ones) for ones, zeros in ones_zeros]
    for norm, values in zip(head.norms, norms, strict=True):
        for variable, value in zip(norm, values, strict=True):
            variable.assign(value)
    for variable, value in zip([*head.kernels, *head.biases], [*kernels, *biases], strict=True):
        variable.assign(value)
    for variable, moments in zip(head.weights, head.moments, strict=True):
        for moment in moments:
            moment.assign(tf.zeros_like(variable))
    head.step.assign(0.0)


def head_output(
    head: HeadState, features: tf.Tensor, traced: Traced, numbers: Numbers, seed: tf.Tensor | None
) -> HeadOutput:
    """Return what heads make of features (n_folds, batch, n_in).

    No dropout without a seed of shape (2,).
    """

    def drop(hidden: tf.Tensor, place: int) -> tf.Tensor:
        name = f"dropout_{place}"
        if seed is None or not traced[name]:
            return hidden
        return dropped(hidden, numbers[name], tf.stack([seed[0] + place, seed[1]]))

    embedding = features
    hidden = drop(features, 0)
    for place in range(1, len(head.kernels)):
        dense = tf.matmul(hidden, head.kernels[place - 1]) + head.biases[place - 1]
        if head.norms:
            normalise = HEAD_NORMS[str(traced["head_norm"])]
            dense = normalise(dense, head.norms[place - 1], seed is not None)
        embedding = ACTIVATIONS[str(traced[f"activation_{place}"])](dense)
        hidden = drop(embedding, place)
    return HeadOutput(embedding, tf.matmul(hidden, head.kernels[-1]) + head.biases[-1])


def _batch_norm(hidden: tf.Tensor, norm: Norm, training: bool) -> tf.Tensor:
    """Normalise each unit over its fold's batch; in use by what ran along in training."""
    mean, variance = norm.running_mean, norm.running_variance
    if training:
        mean, variance = tf.nn.moments(hidden, axes=[1], keepdims=True)
        for running, now in ((norm.running_mean, mean), (norm.running_variance, variance)):
            running.assign(NORM_MOMENTUM * running + (1.0 - NORM_MOMENTUM) * now)
    return tf.nn.batch_normalization(hidden, mean, variance, norm.offset, norm.scale, NORM_EPSILON)


def _layer_norm(hidden: tf.Tensor, norm: Norm, training: bool) -> tf.Tensor:
    """Normalise each row over its units."""
    mean, variance = tf.nn.moments(hidden, axes=[2], keepdims=True)
    return tf.nn.batch_normalization(hidden, mean, variance, norm.offset, norm.scale, NORM_EPSILON)


# from a hidden layer (n_folds, batch, n_units) before its activation, and whether it is training
HEAD_NORMS: dict[str, Callable[[tf.Tensor, Norm, bool], tf.Tensor]] = {
    "batch": _batch_norm,
    "layer": _layer_norm,
}


def open_variable() -> tf.Variable:
    """Return a variable of three dimensions whose sizes are left open."""
    return tf.Variable(tf.zeros((1, 1, 1)), shape=tf.TensorShape([None, None, None]))


def dropped(hidden: tf.Tensor, rate: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Zero a share of the units, and scale up the others by what is left.

    One random byte decides on a unit, as drawing costs more than all else here: the rate acts in
    steps of 1/256.
    """
    n_units = tf.size(hidden)
    integers = tf.random.stateless_uniform([n_units // 4 + 1], seed, None, None, tf.int32)
    random_bytes = tf.reshape(tf.bitcast(integers, tf.uint8), [-1])[:n_units]
    least = tf.round(rate * 256.0)
    keep = tf.reshape(random_bytes, tf.shape(hidden)) >= tf.cast(least, tf.uint8)
    return hidden * (tf.cast(keep, tf.float32) * (256.0 / (256.0 - least)))
