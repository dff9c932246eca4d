"""A head as a Keras model of plain layers. Imports keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

from bcsearch.seeds import derive_seed

if TYPE_CHECKING:
    from bcsearch.records import Params


def keras_head(
    params: Params,
    n_features: int,
    n_classes: int,
    *,
    scaling: tuple[np.ndarray, np.ndarray] | None = None,
    seed: int = 0,
) -> keras.Model:
    """Return an untrained head from features (batch, n_features) to probabilities (batch, n_classes).

    ``scaling`` holds the mean of each feature and one over its deviation, both (n_features,); None leaves features as
    they are. Layers are Keras's own, so that a saved model loads without bcsearch.
    """
    inputs = hidden = keras.Input((n_features,), name="features")
    if scaling is not None:
        mean, scale = scaling
        hidden = keras.layers.Normalization(mean=mean, variance=1.0 / np.square(scale), name="standardise")(hidden)
    penalty = keras.regularizers.L2(params.l2) if params.l2 > 0 else None
    for layer, units in enumerate(params.units, start=1):
        start = keras.initializers.GlorotUniform(seed=derive_seed(seed, "kernel", layer))
        dense = keras.layers.Dense(
            units, params.activation, kernel_initializer=start, kernel_regularizer=penalty, name=f"dense_{layer}"
        )
        dropped = keras.layers.Dropout(
            params.dropout, seed=derive_seed(seed, "dropout", layer), name=f"dropout_{layer}"
        )
        hidden = dropped(dense(hidden))
    start = keras.initializers.GlorotUniform(seed=derive_seed(seed, "kernel", "probabilities"))
    outputs = keras.layers.Dense(
        n_classes, "softmax", kernel_initializer=start, kernel_regularizer=penalty, name="probabilities"
    )
    return keras.Model(inputs, outputs(hidden), name="head")
