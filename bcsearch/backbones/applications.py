"""The families of keras.applications and keras-cv.

Every network takes raw RGB, 0 to 255, and gives the average over places; what its ImageNet weights
want done to the pixels is inside. Sizes, files and digests are those of the files without the top
that Keras 3.15.1 loads (``keras/src/applications``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import keras
import numpy as np
from keras import layers

from bcsearch.backbones.backbone import Backbone, Pretrained
from bcsearch.backbones.plain import load_stock, plain
from bcsearch.backbones.published import Published

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Variant(NamedTuple):
    """A member of a family: the end of its name, its class in keras.applications, its digest."""

    name: str
    make: str
    natural_size: int
    known_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Networks that are published and built alike.

    Attributes:
        prefix: of their names.
        file: the name of a file of weights, ``{}`` standing for the variant's name.
        folder: under ``https://storage.googleapis.com/``.
        before: does to the pixels what Keras does not do itself; None: Keras does it all.
    """

    prefix: str
    file: str
    folder: str
    variants: tuple[Variant, ...]
    before: Callable[[keras.KerasTensor], keras.KerasTensor] | None = None


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
            file = Published(
                file=family.file.format(variant.name),
                folder=f"https://storage.googleapis.com/{family.folder}",
                known_hash=variant.known_hash,
            )
            name = family.prefix + variant.name
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
    if family.before is not None:
        prepared = family.before(image)
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


FAMILIES = (
    Family(
        prefix="resnet",
        file="resnet{}_weights_tf_dim_ordering_tf_kernels_notop.h5",
        folder="tensorflow/keras-applications/resnet",
        before=_from_minus_one,
        variants=(Variant("50v2", "ResNet50V2", 224, "md5:fac2f116257151a9d068a22e544a4917"),),
    ),
    Family(
        prefix="vgg",
        file="vgg{}_weights_tf_dim_ordering_tf_kernels_notop.h5",
        folder="tensorflow/keras-applications/vgg19",
        before=_bgr_without_mean,
        variants=(Variant("19", "VGG19", 224, "md5:253f8cb515780f3b799900260a226db6"),),
    ),
    Family(
        prefix="mobilenetv3_",
        file="weights_mobilenet_v3_{}_224_1.0_float_no_top_v2.h5",
        folder="tensorflow/keras-applications/mobilenet_v3",
        variants=(
            Variant("small", "MobileNetV3Small", 224, "md5:d3e8ec802a04aa4fc771ee12a9a9b836"),
            Variant("large", "MobileNetV3Large", 224, "md5:07fb09a5933dd0c8eaafa16978110389"),
        ),
    ),
    Family(
        prefix="efficientnet_",
        file="efficientnet{}_notop.h5",
        folder="keras-applications",
        before=_divided_once_more,
        variants=(
            Variant("b0", "EfficientNetB0", 224, "md5:50bc09e76180e00e4465e1a485ddc09d"),
            Variant("b1", "EfficientNetB1", 240, "md5:74c4e6b3e1f6a1eea24c589628592432"),
            Variant("b2", "EfficientNetB2", 260, "md5:111f8e2ac8aa800a7a99e3239f7bfb39"),
            Variant("b3", "EfficientNetB3", 300, "md5:af6d107764bb5b1abb91932881670226"),
            Variant("b4", "EfficientNetB4", 380, "md5:ebc24e6d6c33eaebbd558eafbeedf1ba"),
            Variant("b5", "EfficientNetB5", 456, "md5:38879255a25d3c92d5e44e04ae6cec6f"),
            Variant("b6", "EfficientNetB6", 528, "md5:9ecce42647a20130c1f39a5d4cb75743"),
            Variant("b7", "EfficientNetB7", 600, "md5:cbcfe4450ddf6f3ad90b1b398090fe4a"),
        ),
    ),
    Family(
        prefix="efficientnetv2_",
        file="efficientnetv2-{}_notop.h5",
        folder="tensorflow/keras-applications/efficientnet_v2",
        variants=(
            Variant("b0", "EfficientNetV2B0", 224, "md5:893217f2bb855e2983157299931e43ff"),
            Variant("s", "EfficientNetV2S", 384, "md5:af0682fb74e8c54910f2d4393339c070"),
            Variant("m", "EfficientNetV2M", 480, "md5:1b8dc055df72dde80d614482840fe342"),
            Variant("l", "EfficientNetV2L", 480, "md5:b0b66b5c863aef5b46e8608fe1711615"),
        ),
    ),
    Family(
        prefix="convnext_",
        file="convnext_{}_notop.h5",
        folder="tensorflow/keras-applications/convnext",
        variants=(
            Variant(
                "tiny",
                "ConvNeXtTiny",
                224,
                "sha256:d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
            ),
            Variant(
                "small",
                "ConvNeXtSmall",
                224,
                "sha256:6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
            ),
            Variant(
                "base",
                "ConvNeXtBase",
                224,
                "sha256:40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
            ),
            Variant(
                "large",
                "ConvNeXtLarge",
                224,
                "sha256:96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
            ),
            Variant(
                "xlarge",
                "ConvNeXtXLarge",
                224,
                "sha256:de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
            ),
        ),
    ),
)
