"""A trained head as a Keras model of plain layers. Imports keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

if TYPE_CHECKING:
    from bcsearch.records import Params
    from bcsearch.training.fold_weights import FoldWeights


def keras_head(params: Params, weights: FoldWeights) -> keras.Model:
    """Return a head with its weights, from features (batch, n_features) to probabilities (batch, n_classes).

    Layers are Keras's own, so that a saved model loads without bcsearch.
    """
    scaling = weights.scaling
    inputs = keras.Input((len(scaling.mean),), name="features")
    standardise = keras.layers.Normalization(
        mean=scaling.mean, variance=1.0 / np.square(scaling.scale), name="standardise"
    )
    hidden = standardise(inputs)
    penalty = keras.regularizers.L2(params.l2) if params.l2 > 0 else None
    widths = [kernel.shape[1] for kernel in weights.kernels]
    dense = [
        keras.layers.Dense(
            units, params.activation, kernel_regularizer=penalty, name=f"dense_{layer}"
        )
        for layer, units in enumerate(widths[:-1], start=1)
    ]
    for layer, hidden_layer in enumerate(dense, start=1):
        hidden = keras.layers.Dropout(params.dropout, name=f"dropout_{layer}")(hidden_layer(hidden))
    dense.append(
        keras.layers.Dense(widths[-1], "softmax", kernel_regularizer=penalty, name="probabilities")
    )
    model = keras.Model(inputs, dense[-1](hidden), name="head")
    for layer_, kernel, bias in zip(dense, weights.kernels, weights.biases, strict=True):
        layer_.set_weights([kernel, bias])
    return model
