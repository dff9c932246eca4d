"""One training step, the same for heads on cached features and for unfrozen parts of a backbone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from bcsearch.plugins import row_of
from bcsearch.training.batch import Batch, Numbers, Traced
from bcsearch.training.head import HeadOutput, HeadState
from bcsearch.training.losses import LOSSES, row_weights, smoothed
from bcsearch.training.mixes import MIXES
from bcsearch.training.optimizers import OPTIMIZERS, Moments, Rates


class Body(NamedTuple):
    """Trained weights below a head, with their optimizer state.

    ``layers_above`` counts for each weight the layers between it and the head. ``penalties`` are
    added to the loss.
    """

    weights: Sequence[tf.Variable]
    layers_above: Sequence[int]
    moments: Sequence[Moments]
    penalties: Callable[[], Sequence[tf.Tensor]]


class Examples(NamedTuple):
    """What is learned from in one step."""

    inputs: tf.Tensor  # (n_folds, batch, ...)
    targets: tf.Tensor  # (n_folds, batch, n_classes) float32, rows sum to 1
    class_weights: tf.Tensor  # (n_folds, n_classes) float32


Forward = Callable[[tf.Tensor, tf.Tensor], HeadOutput]  # from inputs and a seed of shape (2,)
NO_BODY = Body((), (), (), tuple)
MIX_SEED = 10_007  # apart from the seeds of dropout


def train_step(  # noqa: PLR0913 - what one step is made of
    forward: Forward,
    head: HeadState,
    examples: Examples,
    traced: Traced,
    numbers: Numbers,
    seed: tf.Tensor,
    body: Body = NO_BODY,
) -> tf.Tensor:
    """Learn from one batch; return the sum of the folds' losses, without penalties.

    ``forward`` gives what the output layer is given and the logits; ``seed`` is a scalar, joined by
    the step's number.
    """
    head.step.assign_add(1.0)
    step_seed = tf.stack([seed, tf.cast(head.step, tf.int32)])
    mix = row_of(MIXES, traced["mix"], "bcsearch.mixes")
    loss_of = row_of(LOSSES, traced["loss"], "bcsearch.losses")
    mixed = mix(examples.inputs, examples.targets, numbers, step_seed + MIX_SEED)
    targets = smoothed(mixed.targets, numbers["label_smoothing"])
    weights = row_weights(mixed.targets, examples.class_weights)
    with tf.GradientTape() as tape:
        output = forward(mixed.inputs, step_seed)
        batch = Batch(mixed.inputs, *output, targets, weights)
        loss = tf.reduce_sum(loss_of(batch, numbers))
        penalties = list(body.penalties())
        if traced["l2"]:
            penalties += [numbers["l2"] * tf.reduce_sum(tf.square(each)) for each in head.kernels]
        whole = tf.add_n([loss, *penalties])
    gradients = tape.gradient(whole, [*head.weights, *body.weights])
    _update(head, body, gradients, traced, numbers)
    return loss


def _update(
    head: HeadState,
    body: Body,
    gradients: Sequence[tf.Tensor],
    traced: Traced,
    numbers: Numbers,
) -> None:
    """Take one optimizer step; only kernels decay, the layers of the body have rates of their own.

    Those of layers fall towards its input after Howard and Ruder, "Universal Language Model
    Fine-tuning for Text Classification" (2018).
    """
    update = row_of(OPTIMIZERS, traced["optimizer"], "bcsearch.optimizers")
    rates = Rates(numbers["learning_rate"], numbers["weight_decay"], numbers["momentum"], head.step)
    fixed = rates._replace(weight_decay=tf.constant(0.0))
    n_kernels = len(head.kernels)
    of_head = [rates] * n_kernels + [fixed] * (len(head.weights) - n_kernels)
    slower = rates.learning_rate * numbers["backbone_rate"]
    of_body = []
    for weight, n_above in zip(body.weights, body.layers_above, strict=True):
        chosen = fixed
        if weight.shape.rank > 1:
            chosen = rates
        rate = slower * tf.pow(numbers["layer_decay"], float(n_above))
        of_body.append(chosen._replace(learning_rate=rate))
    weights = [*head.weights, *body.weights]
    moments = [*head.moments, *body.moments]
    for each in zip(weights, moments, gradients, [*of_head, *of_body], strict=True):
        update(*each)
