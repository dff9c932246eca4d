"""One training batch of all folds, and what of a configuration a training graph depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from bcsearch.recipe import PARTS, Range, Value, Where

if TYPE_CHECKING:
    from bcsearch.recipe import Params

Numbers = dict[str, tf.Tensor]  # parameters that change nothing in a graph, float32 scalars by name
Traced = dict[str, Value]  # parameters that change the graph itself, by name


class Batch(NamedTuple):
    """What a loss is computed from.

    Attributes:
        inputs: what the trained part was given, (n_folds, batch, ...).
        embedding: what the output layer is given, (n_folds, batch, n_units).
        logits: (n_folds, batch, n_classes).
        targets: soft labels, (n_folds, batch, n_classes); rows sum to 1.
        row_weights: by the classes of each row, before its label is smoothed, (n_folds, batch).
    """

    inputs: tf.Tensor
    embedding: tf.Tensor
    logits: tf.Tensor
    targets: tf.Tensor
    row_weights: tf.Tensor


NUMBER_PARTS = tuple(
    part.name
    for part in PARTS
    if isinstance(part.domain, Range)
    and part.domain.kind is float
    and part.where in (Where.HEAD, Where.LOSS, Where.UPDATE)
    and not part.sets
)


def traced_of(params: Params) -> Traced:
    """Return what of a configuration changes the graph.

    Of a number with a fraction, whether it is above zero.
    """
    found: Traced = {}
    for part in PARTS:
        if part.traced:
            value = params[part.name]
            found[part.name] = value > 0 if isinstance(value, float) else value
    return found


def numbers_of(params: Params, learning_rate: float) -> Numbers:
    """Return the numbers of a configuration in an epoch of that learning rate."""
    values = {**{name: params[name] for name in NUMBER_PARTS}, "learning_rate": learning_rate}
    return {name: tf.constant(value, tf.float32) for name, value in values.items()}
