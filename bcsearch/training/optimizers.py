"""The table of optimizers: one step of each on a weight tensor.

The rules act element by element, so weights of all folds are updated at once and never mix.
Sources: Adam (Kingma and Ba, 2015), decoupled weight decay (Loshchilov and Hutter, 2019), Lion
(Chen and others, 2023); constants are Keras's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
LION_BETA_2 = 0.99
RMSPROP_DECAY = 0.9


class Rates(NamedTuple):
    """Scalars of one step, float32 tensors; ``step`` counts from one."""

    learning_rate: tf.Tensor
    weight_decay: tf.Tensor
    momentum: tf.Tensor
    step: tf.Tensor


class Moments(NamedTuple):
    """Two state tensors of one weight tensor, of its shape, zero at the start.

    Rules use what they need.
    """

    first: tf.Variable
    second: tf.Variable


def _adam(weight: tf.Variable, slots: Moments, gradient: tf.Tensor, rates: Rates) -> None:
    tf.raw_ops.ResourceApplyAdam(
        var=weight.handle,
        m=slots.first.handle,
        v=slots.second.handle,
        beta1_power=tf.pow(BETA_1, rates.step),
        beta2_power=tf.pow(BETA_2, rates.step),
        lr=rates.learning_rate,
        beta1=BETA_1,
        beta2=BETA_2,
        epsilon=EPSILON,
        grad=gradient,
    )


def _adamw(weight: tf.Variable, slots: Moments, gradient: tf.Tensor, rates: Rates) -> None:
    weight.assign_sub(rates.learning_rate * rates.weight_decay * weight)
    _adam(weight, slots, gradient, rates)


def _sgd(weight: tf.Variable, slots: Moments, gradient: tf.Tensor, rates: Rates) -> None:
    tf.raw_ops.ResourceApplyKerasMomentum(
        var=weight.handle,
        accum=slots.first.handle,
        lr=rates.learning_rate,
        grad=gradient,
        momentum=rates.momentum,
        use_nesterov=True,
    )


def _rmsprop(weight: tf.Variable, slots: Moments, gradient: tf.Tensor, rates: Rates) -> None:
    tf.raw_ops.ResourceApplyRMSProp(
        var=weight.handle,
        ms=slots.first.handle,
        mom=slots.second.handle,
        lr=rates.learning_rate,
        rho=RMSPROP_DECAY,
        momentum=rates.momentum,
        epsilon=EPSILON,
        grad=gradient,
    )


def _lion(weight: tf.Variable, slots: Moments, gradient: tf.Tensor, rates: Rates) -> None:
    direction = tf.sign(BETA_1 * slots.first + (1.0 - BETA_1) * gradient)
    weight.assign_sub(rates.learning_rate * (direction + rates.weight_decay * weight))
    slots.first.assign(LION_BETA_2 * slots.first + (1.0 - LION_BETA_2) * gradient)


Optimizer = Callable[[tf.Variable, Moments, tf.Tensor, Rates], None]
OPTIMIZERS: dict[str, Optimizer] = {
    "adam": _adam,
    "adamw": _adamw,
    "sgd": _sgd,
    "rmsprop": _rmsprop,
    "lion": _lion,
}
