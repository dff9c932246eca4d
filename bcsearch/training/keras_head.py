"""What was trained as Keras models of stock layers, so that a saved one loads without bcsearch."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import keras
import numpy as np

from bcsearch.training.head import NORM_EPSILON, NORM_MOMENTUM

if TYPE_CHECKING:
    from collections.abc import Callable

    from bcsearch.recipe import Params
    from bcsearch.training.fold_weights import FoldWeights

FROZEN = "frozen_"  # how the names of frozen parts begin
NORMS: dict[str, Callable[..., keras.Layer]] = {
    "batch": partial(keras.layers.BatchNormalization, momentum=NORM_MOMENTUM, epsilon=NORM_EPSILON),
    "layer": partial(keras.layers.LayerNormalization, epsilon=NORM_EPSILON),
}


def frozen_copy(part: keras.Model, name: str) -> keras.Model:
    """Return a copy of a part of a backbone, with its weights and a name of its own."""
    copied = keras.models.clone_model(part)
    copied.set_weights(part.get_weights())
    return keras.Model(copied.input, copied.output, name=name)


def network_above(
    part: keras.Model | None, params: Params, weights: FoldWeights, name: str
) -> keras.Model:
    """Return the trained part of a backbone with its head; without one the head alone.

    It goes from what the frozen part gives to probabilities (batch, n_classes). ``part`` ends with
    the features.
    """
    if part is None:
        return keras_head(params, weights, name)
    copied = keras.models.clone_model(part)
    copied.set_weights(part.get_weights())
    for layer, values in weights.layers.items():
        copied.get_layer(layer).set_weights(values)
    return keras.Model(copied.input, keras_head(params, weights)(copied.output), name=name)


def keras_head(params: Params, weights: FoldWeights, name: str = "head") -> keras.Model:
    """Return a head, from features (batch, n_features) to probabilities (batch, n_classes)."""
    scaling = weights.scaling
    penalty = keras.regularizers.L2(params.l2) if params.l2 > 0 else None
    inputs = keras.Input((len(scaling.mean),), name="features")
    standardise = keras.layers.Normalization(
        mean=scaling.mean, variance=1.0 / np.square(scaling.scale), name="standardise"
    )
    hidden = standardise(inputs)
    hidden = keras.layers.Dropout(params.dropout_0, name="dropout_0")(hidden)
    *units, n_classes = (kernel.shape[1] for kernel in weights.kernels)
    dense = []
    for number, width in enumerate(units, start=1):
        layer = keras.layers.Dense(width, kernel_regularizer=penalty, name=f"dense_{number}")
        hidden = layer(hidden)
        dense.append(layer)
        if params.head_norm in NORMS:
            norm = NORMS[params.head_norm](name=f"norm_{number}")
            hidden = norm(hidden)
            if weights.norms:
                norm.set_weights(weights.norms[number - 1][: len(norm.weights)])
        activation = params.activations[number - 1]
        hidden = keras.layers.Activation(activation, name=f"activation_{number}")(hidden)
        dropout = keras.layers.Dropout(params.dropouts[number], name=f"dropout_{number}")
        hidden = dropout(hidden)
    output = keras.layers.Dense(
        n_classes, "softmax", kernel_regularizer=penalty, name="probabilities"
    )
    model = keras.Model(inputs, output(hidden), name=name)
    for layer, kernel, bias in zip([*dense, output], weights.kernels, weights.biases, strict=True):
        layer.set_weights([kernel, bias])
    return model
