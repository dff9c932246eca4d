"""The table of mixes: from inputs and targets of a batch to mixed inputs and targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from bcsearch.training.batch import Numbers


class Mixed(NamedTuple):
    """Inputs (n_folds, batch, ...) and soft labels (n_folds, batch, n_classes)."""

    inputs: tf.Tensor
    targets: tf.Tensor


Mix = Callable[[tf.Tensor, tf.Tensor, Numbers, tf.Tensor], Mixed]


def unmixed(inputs: tf.Tensor, targets: tf.Tensor, numbers: Numbers, seed: tf.Tensor) -> Mixed:
    """Leave a batch as it is."""
    return Mixed(inputs, targets)


def mixup(inputs: tf.Tensor, targets: tf.Tensor, numbers: Numbers, seed: tf.Tensor) -> Mixed:
    """Mix each row with the one at its place from the end of the batch, labels alike.

    Shares are drawn for each row from Beta(``mix_alpha``, ``mix_alpha``) by a seed of shape (2,).
    After Zhang and others, "mixup: Beyond Empirical Risk Minimization" (2018), here on what the
    trained part is given.
    """
    shape = tf.shape(targets)[:2]
    first = _log_gamma_draws(shape, numbers["mix_alpha"], seed)
    second = _log_gamma_draws(shape, numbers["mix_alpha"], seed + 7)
    own = tf.sigmoid(first - second)  # of two gamma draws, the first over their sum
    return Mixed(_blend(inputs, own), _blend(targets, own))


def _log_gamma_draws(shape: tf.Tensor, alpha: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Return logarithms of draws from Gamma(``alpha``, 1), after Marsaglia and Tsang (2000).

    TensorFlow's own draws cannot be compiled by XLA. Of eight tries of each draw, each accepted
    with a chance of 95 % and more, the first good one counts.
    """
    tries = tf.concat([shape, [8]], axis=0)
    d = alpha + 1.0 - 1.0 / 3.0
    normal = tf.random.stateless_normal(tries, seed)
    cubed = (1.0 + normal / tf.sqrt(9.0 * d)) ** 3
    log_cubed = tf.math.log(tf.maximum(cubed, 1e-30))
    log_uniform = tf.math.log(tf.random.stateless_uniform(tries, seed + 1, minval=1e-30))
    limit = 0.5 * normal**2 + d - d * cubed + d * log_cubed
    accepted = tf.cast((cubed > 0.0) & (log_uniform < limit), tf.int32)
    place = tf.argmax(accepted, axis=-1, output_type=tf.int32)
    drawn = tf.gather(log_cubed, place, batch_dims=2) + tf.math.log(d)
    boost = tf.math.log(tf.random.stateless_uniform(shape, seed + 2, minval=1e-30))
    return drawn + boost / alpha


def _blend(rows: tf.Tensor, own: tf.Tensor) -> tf.Tensor:
    """Return the shares ``own`` of rows (n_folds, batch, ...) with the rest of reversed rows."""
    n_more = tf.rank(rows) - 2
    share = tf.reshape(own, tf.concat([tf.shape(own), tf.ones([n_more], tf.int32)], axis=0))
    return share * rows + (1.0 - share) * tf.reverse(rows, axis=[1])


MIXES: dict[str, Mix] = {"none": unmixed, "mixup": mixup}
