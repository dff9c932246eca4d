"""A refitted configuration as one Keras model, from raw images to probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from bcsearch.backbones.resizing import resizing
from bcsearch.errors import ConfigError
from bcsearch.training.keras_head import keras_head
from bcsearch.views.operation import Kind
from bcsearch.views.preprocessing import whole_pixels
from bcsearch.views.table import get_operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.recipe import Params
    from bcsearch.training.fold_weights import FoldWeights
    from bcsearch.views.view import Applied


def assembled(
    backbone: keras.Model,
    params: Params,
    weights: FoldWeights,
    preprocessing: Sequence[Applied],
    image_shape: tuple[int, int],
) -> keras.Model:
    """Return one fold as a model of stock layers and ``keras.ops``.

    It takes raw images (batch, *image_shape, 3), 0 to 255, and gives probabilities (batch,
    n_classes).
    """
    copy = keras.models.clone_model(backbone)
    for layer in backbone.layers:
        if layer.weights:
            values = weights.layers.get(layer.name) or layer.get_weights()
            copy.get_layer(layer.name).set_weights(values)
    resize = resizing(*image_shape, params.image_size)
    head = keras_head(params, weights)
    if not preprocessing and resize is None:
        return keras.Model(copy.input, head(copy.output))
    image = keras.Input((*image_shape, 3), name="image")
    hidden = image
    for applied in preprocessing:
        operation = get_operation(applied.name, Kind.PREPROCESS)
        if operation.change is None:
            raise ConfigError(f"preprocessing {applied.name!r} has no form for an exported model")
        hidden = whole_pixels(operation.change(hidden, dict(applied.settings)))
    if resize is not None:
        hidden = resize(hidden)
    return keras.Model(image, head(copy(hidden)))
