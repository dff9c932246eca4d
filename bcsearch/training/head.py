"""The dense layers of the heads of all folds: their weights, and what they make of features.

Weights are stacked over folds, (n_folds, n_in, n_out). Norms over folds are never taken, so folds
cannot mix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from bcsearch.training.optimizers import Moments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.training.batch import Numbers, Traced

ACTIVATIONS = {
    "relu": tf.nn.relu,
    "gelu": tf.nn.gelu,
    "silu": tf.nn.silu,
    "elu": tf.nn.elu,
    "tanh": tf.nn.tanh,
}


class HeadState(NamedTuple):
    """Everything that training heads changes; ``step`` counts the updates."""

    kernels: list[tf.Variable]  # (n_folds, n_in, n_out) each, from the features on
    biases: list[tf.Variable]  # (n_folds, 1, n_out) each
    moments: list[Moments]  # of the kernels, then of the biases
    step: tf.Variable

    @property
    def weights(self) -> list[tf.Variable]:
        """All kernels, then all biases."""
        return [*self.kernels, *self.biases]

    @property
    def variables(self) -> list[tf.Variable]:
        """All variables, always in the same order."""
        return [*self.weights, *(each for pair in self.moments for each in pair), self.step]


class HeadOutput(NamedTuple):
    """What heads make of features: what the output layer is given, and the logits."""

    embedding: tf.Tensor  # (n_folds, batch, n_units)
    logits: tf.Tensor  # (n_folds, batch, n_classes)


def new_head(n_layers: int) -> HeadState:
    """Return variables for so many dense layers, their sizes left open."""
    kernels = [open_variable() for _ in range(n_layers)]
    biases = [open_variable() for _ in range(n_layers)]
    moments = [Moments(open_variable(), open_variable()) for _ in range(2 * n_layers)]
    return HeadState(kernels, biases, moments, tf.Variable(0.0))


def start_head(
    head: HeadState, kernels: Sequence[np.ndarray], biases: Sequence[np.ndarray]
) -> None:
    """Start from kernels (n_folds, n_in, n_out) and biases (n_folds, 1, n_out)."""
    for variable, moments, value in zip(
        head.weights, head.moments, [*kernels, *biases], strict=True
    ):
        variable.assign(value)
        for moment in moments:
            moment.assign(np.zeros_like(value))
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
        embedding = ACTIVATIONS[str(traced[f"activation_{place}"])](dense)
        hidden = drop(embedding, place)
    return HeadOutput(embedding, tf.matmul(hidden, head.kernels[-1]) + head.biases[-1])


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
