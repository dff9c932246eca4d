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
    """Mix each row with the one at its place from the end of the batch, inputs and labels by the same share.

    Shares are drawn for each row from Beta(``mix_alpha``, ``mix_alpha``) by a seed of shape (2,). After Zhang and
    others, "mixup: Beyond Empirical Risk Minimization" (2018), here on what the trained part is given.
    """
    shape = tf.shape(targets)[:2]
    alpha = numbers["mix_alpha"]
    first = tf.random.stateless_gamma(shape, seed, alpha)
    second = tf.random.stateless_gamma(shape, seed + 1, alpha)
    own = tf.math.divide_no_nan(first, first + second)
    own = tf.where(first + second > 0.0, own, 1.0)  # both too small for float32: not mixed
    return Mixed(_blend(inputs, own), _blend(targets, own))


def _blend(rows: tf.Tensor, own: tf.Tensor) -> tf.Tensor:
    """Return the shares ``own`` of rows (n_folds, batch, ...) and the rest of the rows in reverse order."""
    n_more = tf.rank(rows) - 2
    share = tf.reshape(own, tf.concat([tf.shape(own), tf.ones([n_more], tf.int32)], axis=0))
    return share * rows + (1.0 - share) * tf.reverse(rows, axis=[1])


MIXES: dict[str, Mix] = {"none": unmixed, "mixup": mixup}
