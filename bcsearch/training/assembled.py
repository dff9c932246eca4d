"""A refitted configuration as one Keras model, from raw images to probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from bcsearch.backbones.resizing import resizing
from bcsearch.errors import ConfigError
from bcsearch.training.keras_head import keras_head
from bcsearch.views.operation import Kind
from bcsearch.views.preprocessing import whole_pixels
from bcsearch.views.table import get_operation
from bcsearch.views.view import Applied

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.recipe import Params
    from bcsearch.training.fold_weights import FoldWeights


def assembled(
    backbone: keras.Model,
    params: Params,
    weights: FoldWeights,
    preprocessing: Sequence[Applied],
    image_shape: tuple[int, int],
    tta: Sequence[str] = (),
) -> keras.Model:
    """Return one fold as a model of stock layers and ``keras.ops``.

    It takes raw images (batch, *image_shape, 3), 0 to 255, and gives probabilities (batch,
    n_classes), the mean over the image and what each operation of ``tta`` makes of it.
    """
    copy = keras.models.clone_model(backbone)
    for layer in backbone.layers:
        if layer.weights:
            values = weights.layers.get(layer.name) or layer.get_weights()
            copy.get_layer(layer.name).set_weights(values)
    resize = resizing(*image_shape, params.image_size)
    head = keras_head(params, weights)
    if not preprocessing and not tta and resize is None:
        return keras.Model(copy.input, head(copy.output))

    def probabilities(hidden: Any) -> Any:
        for applied in preprocessing:
            hidden = _changed(hidden, Kind.PREPROCESS, applied)
        if resize is not None:
            hidden = resize(hidden)
        return head(copy(hidden))

    image = keras.Input((*image_shape, 3), name="image")
    seen = [image, *(_changed(image, Kind.TTA, Applied(name)) for name in tta)]
    found = [probabilities(each) for each in seen]
    if not tta:
        return keras.Model(image, found[0])
    return keras.Model(image, keras.layers.Average(name="mean_of_views")(found))


def _changed(images: Any, kind: Kind, applied: Applied) -> Any:
    """Apply an operation to symbolic images, as stored views are made."""
    operation = get_operation(applied.name, kind)
    if operation.change is None:
        raise ConfigError(f"{kind} {applied.name!r} has no form for an exported model")
    return whole_pixels(operation.change(images, dict(applied.settings)))
