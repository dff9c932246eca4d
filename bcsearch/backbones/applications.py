"""The families of keras.applications and keras-cv.

Every network takes raw RGB, 0 to 255, and gives the average over places; what its ImageNet weights
want done to the pixels is inside.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import keras
import numpy as np
from keras import layers

from bcsearch.backbones.backbone import Backbone, Pretrained
from bcsearch.backbones.plain import load_stock, plain
from bcsearch.backbones.published import FAMILIES, Family, Published, Variant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def rows() -> Iterator[Backbone]:
    """Yield every network as a row of the table of backbones."""
    yield Backbone(
        name="resnet18",
        build=partial(_build, _resnet18, "resnet18"),
        natural_size=224,
        stock=_resnet18,
    )
    for family in FAMILIES:
        for variant in family.variants:
            name, file = family.prefix + variant.name, family.published(variant)
            yield published_row(name, variant.natural_size, partial(_stock, family, variant), file)


def published_row(
    name: str, natural_size: int, stock: Callable[[int], keras.Model], file: Published
) -> Backbone:
    """Return the row of a network whose published graph and weights are these."""
    load = partial(load_stock, stock)
    return Backbone(
        name=name,
        build=partial(_build, stock, name),
        natural_size=natural_size,
        stock=stock,
        pretrained=Pretrained(fetch=file.fetch, load=load, at_hand=file.is_kept),
    )


def _build(stock: Callable[[int], keras.Model], name: str, image_size: int) -> keras.Model:
    return plain(stock(image_size), name)


def _stock(family: Family, variant: Variant, image_size: int) -> keras.Model:
    image = keras.Input((image_size, image_size, 3), name="image")
    prepared = image
    if family.prefix in BEFORE:
        prepared = BEFORE[family.prefix](image)
    make = getattr(keras.applications, variant.make)
    return make(include_top=False, weights=None, input_tensor=prepared, pooling="avg")


def _resnet18(image_size: int) -> keras.Model:
    from keras_cv.models import ResNetBackbone

    image = keras.Input((image_size, image_size, 3), name="image")
    body = ResNetBackbone(
        stackwise_filters=[64, 128, 256, 512],
        stackwise_blocks=[2, 2, 2, 2],
        stackwise_strides=[1, 2, 2, 2],
        block_type="basic_block",
        include_rescaling=True,
        input_tensor=image,
    )
    return keras.Model(image, layers.GlobalAveragePooling2D(name="pool")(body.output))


def _from_minus_one(image: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(image)


def _bgr_without_mean(image: keras.KerasTensor) -> keras.KerasTensor:
    reverse = keras.ops.flip(image, axis=-1)
    mean = (103.939, 116.779, 123.68)  # of BGR, 0 to 255
    return layers.Normalization(mean=mean, variance=(1.0, 1.0, 1.0), name="without_mean")(reverse)


def _divided_once_more(image: keras.KerasTensor) -> keras.KerasTensor:
    """Divide by the roots of the deviations.

    Keras adds this behind its normalisation, but only where it loads the published weights itself.
    """
    scale = 1 / np.sqrt([0.229, 0.224, 0.225])
    offset = 255 * np.array([0.485, 0.456, 0.406]) * (1 - scale)
    rescale = layers.Rescaling(scale.tolist(), offset=offset.tolist(), name="divide_once_more")
    return rescale(image)


# what is done to the pixels where Keras does not do it itself, by the prefix of a family
BEFORE: dict[str, Callable[[keras.KerasTensor], keras.KerasTensor]] = {
    "resnet": _from_minus_one,
    "vgg": _bgr_without_mean,
    "efficientnet_": _divided_once_more,
}
