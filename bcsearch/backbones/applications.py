"""The families of keras.applications and keras-cv: builder, preprocessing, image size, file. Imports keras.

Every network takes raw RGB, 0 to 255, and gives the average over places; what its ImageNet weights want done to the
pixels is inside. Sizes and digests are those of the files without the top that Keras 3.15.1 loads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from math import sqrt
from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from bcsearch.backbones.plain import plain
from bcsearch.backbones.published import APPLICATIONS, STORE, Published

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of RGB, 0 to 1
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
CAFFE_MEAN = (103.939, 116.779, 123.68)  # of BGR, 0 to 255
RESNET18: dict[str, Any] = {
    "stackwise_filters": [64, 128, 256, 512],
    "stackwise_blocks": [2, 2, 2, 2],
    "stackwise_strides": [1, 2, 2, 2],
    "block_type": "basic_block",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """One network: ``stock`` builds it as its publisher does; without ``published`` nobody offers ImageNet weights."""

    name: str
    stock: Callable[[int], keras.Model]
    natural_size: int
    published: Published | None = None

    def build(self, image_size: int) -> keras.Model:
        """Return its plain form with initial weights, from images (batch, image_size, image_size, 3) to features."""
        return plain(self.stock(image_size), self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A member of a family: its class in keras.applications, the word for it in the file's name, its digest."""

    name: str
    make: str
    word: str
    natural_size: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Networks that are published and built alike; ``before`` is what Keras does not do to the pixels itself."""

    folder: str
    file: str
    variants: tuple[Variant, ...]
    before: Callable[[keras.KerasTensor], keras.KerasTensor]
    options: dict[str, Any] = field(default_factory=dict)

    def rows(self) -> Iterator[Application]:
        """Yield one row a variant."""
        for variant in self.variants:
            stock = partial(_stock, make=variant.make, before=self.before, options=self.options)
            file = Published(
                file=self.file.format(variant.word), folder=self.folder, digest=variant.digest
            )
            yield Application(
                name=variant.name, stock=stock, natural_size=variant.natural_size, published=file
            )


def _stock(
    image_size: int,
    *,
    make: str,
    before: Callable[[keras.KerasTensor], keras.KerasTensor],
    options: dict[str, Any],
) -> keras.Model:
    image = keras.Input((image_size, image_size, 3), name="image")
    constructor = getattr(keras.applications, make)
    return constructor(
        include_top=False, weights=None, input_tensor=before(image), pooling="avg", **options
    )


def _resnet18(image_size: int) -> keras.Model:
    from keras_cv.models import ResNetBackbone

    image = keras.Input((image_size, image_size, 3), name="image")
    body = ResNetBackbone(**RESNET18, include_rescaling=True, input_tensor=image)
    return keras.Model(image, layers.GlobalAveragePooling2D(name="pool")(body.output))


def _same(image: keras.KerasTensor) -> keras.KerasTensor:
    return image


def _from_minus_one(image: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(image)


def _bgr_without_mean(image: keras.KerasTensor) -> keras.KerasTensor:
    reverse = keras.ops.flip(image, axis=-1)
    return layers.Normalization(mean=CAFFE_MEAN, variance=(1.0, 1.0, 1.0), name="without_mean")(
        reverse
    )


def _divided_once_more(image: keras.KerasTensor) -> keras.KerasTensor:
    """Do what Keras adds behind its normalisation for the published weights only: divide by the deviations' roots."""
    scale = [1 / sqrt(deviation) for deviation in IMAGENET_DEVIATION]
    offset = [255 * mean * (1 - factor) for mean, factor in zip(IMAGENET_MEAN, scale, strict=True)]
    return layers.Rescaling(scale, offset=offset, name="divide_once_more")(image)


def _variants(
    prefix: str, make: str, table: tuple[tuple[str, str, str, int, str], ...]
) -> tuple[Variant, ...]:
    return tuple(
        Variant(name=prefix + name, make=make + suffix, word=word, natural_size=size, digest=digest)
        for name, suffix, word, size, digest in table
    )


_FAMILIES = (
    Family(
        folder=APPLICATIONS + "resnet/",
        file="{}_weights_tf_dim_ordering_tf_kernels_notop.h5",
        before=_from_minus_one,
        variants=_variants(
            "resnet",
            "ResNet",
            (("50v2", "50V2", "resnet50v2", 224, "fac2f116257151a9d068a22e544a4917"),),
        ),
    ),
    Family(
        folder=APPLICATIONS + "vgg19/",
        file="{}_weights_tf_dim_ordering_tf_kernels_notop.h5",
        before=_bgr_without_mean,
        variants=_variants(
            "vgg", "VGG", (("19", "19", "vgg19", 224, "253f8cb515780f3b799900260a226db6"),)
        ),
    ),
    Family(
        folder=APPLICATIONS + "mobilenet_v3/",
        file="weights_mobilenet_v3_{}_224_1.0_float_no_top_v2.h5",
        before=_same,
        options={"include_preprocessing": True},
        variants=_variants(
            "mobilenetv3_",
            "MobileNetV3",
            (
                ("small", "Small", "small", 224, "d3e8ec802a04aa4fc771ee12a9a9b836"),
                ("large", "Large", "large", 224, "07fb09a5933dd0c8eaafa16978110389"),
            ),
        ),
    ),
    Family(
        folder=STORE + "keras-applications/",
        file="efficientnet{}_notop.h5",
        before=_divided_once_more,
        variants=_variants(
            "efficientnet_",
            "EfficientNet",
            (
                ("b0", "B0", "b0", 224, "50bc09e76180e00e4465e1a485ddc09d"),
                ("b1", "B1", "b1", 240, "74c4e6b3e1f6a1eea24c589628592432"),
                ("b2", "B2", "b2", 260, "111f8e2ac8aa800a7a99e3239f7bfb39"),
                ("b3", "B3", "b3", 300, "af6d107764bb5b1abb91932881670226"),
                ("b4", "B4", "b4", 380, "ebc24e6d6c33eaebbd558eafbeedf1ba"),
                ("b5", "B5", "b5", 456, "38879255a25d3c92d5e44e04ae6cec6f"),
                ("b6", "B6", "b6", 528, "9ecce42647a20130c1f39a5d4cb75743"),
                ("b7", "B7", "b7", 600, "cbcfe4450ddf6f3ad90b1b398090fe4a"),
            ),
        ),
    ),
    Family(
        folder=APPLICATIONS + "efficientnet_v2/",
        file="efficientnetv2{}_notop.h5",
        before=_same,
        options={"include_preprocessing": True},
        variants=_variants(
            "efficientnetv2_",
            "EfficientNetV2",
            (
                ("b0", "B0", "-b0", 224, "893217f2bb855e2983157299931e43ff"),
                ("s", "S", "-s", 384, "af0682fb74e8c54910f2d4393339c070"),
                ("m", "M", "-m", 480, "1b8dc055df72dde80d614482840fe342"),
                ("l", "L", "-l", 480, "b0b66b5c863aef5b46e8608fe1711615"),
            ),
        ),
    ),
    Family(
        folder=APPLICATIONS + "convnext/",
        file="convnext_{}_notop.h5",
        before=_same,
        options={"include_preprocessing": True},
        variants=_variants(
            "convnext_",
            "ConvNeXt",
            (
                (
                    "tiny",
                    "Tiny",
                    "tiny",
                    224,
                    "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
                ),
                (
                    "small",
                    "Small",
                    "small",
                    224,
                    "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
                ),
                (
                    "base",
                    "Base",
                    "base",
                    224,
                    "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
                ),
                (
                    "large",
                    "Large",
                    "large",
                    224,
                    "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
                ),
                (
                    "xlarge",
                    "XLarge",
                    "xlarge",
                    224,
                    "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
                ),
            ),
        ),
    ),
)
APPLICATIONS_ROWS = (
    Application(name="resnet18", stock=_resnet18, natural_size=224),
    *(row for family in _FAMILIES for row in family.rows()),
)
