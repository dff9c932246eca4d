"""The table of mixes: from inputs and targets of a batch to mixed inputs and targets.

Inputs are what the trained part is given, or images 0 to 255 where every epoch has a fresh view.
"""

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

    After Zhang and others, "mixup: Beyond Empirical Risk Minimization" (2018), here on what the
    trained part is given.
    """
    own = _own_shares(targets, numbers, seed)
    return Mixed(_blend(inputs, own), _blend(targets, own))


def cutmix(inputs: tf.Tensor, targets: tf.Tensor, numbers: Numbers, seed: tf.Tensor) -> Mixed:
    """Put a part of the row at its place from the end of the batch into each row.

    Inputs with places, (n_folds, batch, height, width, channels), exchange a rectangle anywhere,
    which the border may cut; features without places exchange some of themselves at random. Labels
    are mixed by the share that was kept. After Yun and others, "CutMix" (2019).
    """
    wanted = _own_shares(targets, numbers, seed)
    keeps = _kept_part(tf.shape(inputs), inputs.shape.rank, wanted, seed)
    kept = tf.cast(keeps, inputs.dtype)
    own = tf.reduce_mean(tf.cast(keeps, tf.float32), axis=list(range(2, inputs.shape.rank)))
    mixed = kept * inputs + (1 - kept) * tf.reverse(inputs, axis=[1])
    return Mixed(mixed, _blend(targets, own))


def cutmix_or_mixup(
    inputs: tf.Tensor, targets: tf.Tensor, numbers: Numbers, seed: tf.Tensor
) -> Mixed:
    """Treat each row by one of both, drawn with equal chances."""
    chosen = tf.random.stateless_uniform(tf.shape(targets)[:2], seed + 5) < 0.5
    cut = cutmix(inputs, targets, numbers, seed)
    blended = mixup(inputs, targets, numbers, seed)
    return Mixed(
        tf.where(_spread(chosen, tf.rank(inputs)), cut.inputs, blended.inputs),
        tf.where(_spread(chosen, 3), cut.targets, blended.targets),
    )


def _own_shares(targets: tf.Tensor, numbers: Numbers, seed: tf.Tensor) -> tf.Tensor:
    """Draw what each row keeps of itself, (n_folds, batch), by a seed of shape (2,).

    From Beta(``mix_alpha``, ``mix_alpha``) with a chance of ``mix_probability``, else all.
    """
    shape = tf.shape(targets)[:2]
    first = _log_gamma_draws(shape, numbers["mix_alpha"], seed)
    second = _log_gamma_draws(shape, numbers["mix_alpha"], seed + 7)
    own = tf.sigmoid(first - second)  # of two gamma draws, the first over their sum
    is_mixed = tf.random.stateless_uniform(shape, seed + 3) < numbers["mix_probability"]
    return tf.where(is_mixed, own, tf.ones_like(own))


def _kept_part(shape: tf.Tensor, rank: int, own: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Return what of each row is kept, about the shares ``own``: bool, of as many dimensions."""
    if rank == 3:  # features without places
        return tf.random.stateless_uniform(shape, seed + 4) < own[:, :, tf.newaxis]
    place_axes = range(2, rank - 1)
    length = (1.0 - own) ** (1.0 / len(place_axes))
    inside = tf.constant(True)
    for axis in place_axes:
        centre = tf.random.stateless_uniform(shape[:2], seed + 4 + axis)
        along = tf.one_hot(axis, rank, shape[axis], 1, dtype=tf.int32)
        places = (tf.cast(tf.range(shape[axis]), tf.float32) + 0.5) / tf.cast(
            shape[axis], tf.float32
        )
        distance = tf.abs(tf.reshape(places, along) - _spread(centre, rank))
        inside = inside & (distance < 0.5 * _spread(length, rank))
    return ~inside


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
    share = _spread(own, tf.rank(rows))
    return share * rows + (1.0 - share) * tf.reverse(rows, axis=[1])


def _spread(of_rows: tf.Tensor, rank: tf.Tensor | int) -> tf.Tensor:
    """Give what each row has, (n_folds, batch), so many dimensions, those more of length 1."""
    return tf.reshape(of_rows, tf.concat([tf.shape(of_rows), tf.ones([rank - 2], tf.int32)], 0))


MIXES: dict[str, Mix] = {
    "none": unmixed,
    "mixup": mixup,
    "cutmix": cutmix,
    "cutmix_or_mixup": cutmix_or_mixup,
}
