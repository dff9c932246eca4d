"""EfficientNet-Lite as Keras functional models of stock layers.

The network of EfficientNet-B0 without squeeze-and-excitation, with ReLU6 instead of swish, and with
a stem, a head and first and last stages that do not grow with the variant.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import keras
from keras import layers


class Stage(NamedTuple):
    """A run of equal blocks; only the first has the stride, only later ones a shortcut."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    filters: int


STAGES = (
    Stage(1, kernel=3, stride=1, expansion=1, filters=16),
    Stage(2, kernel=3, stride=2, expansion=6, filters=24),
    Stage(2, kernel=5, stride=2, expansion=6, filters=40),
    Stage(3, kernel=3, stride=2, expansion=6, filters=80),
    Stage(3, kernel=5, stride=1, expansion=6, filters=112),
    Stage(4, kernel=5, stride=2, expansion=6, filters=192),
    Stage(1, kernel=3, stride=1, expansion=6, filters=320),
)


def build_lite(image_size: int, *, name: str, width: float, depth: float) -> keras.Model:
    """Build a variant with Keras' initial weights.

    Takes RGB of shape (batch, image_size, image_size, 3), 0 to 255; gives pooled features
    (batch, 1280). ``width`` and ``depth`` multiply the filters and the repeats.
    """
    image = keras.Input((image_size, image_size, 3), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(image)
    x = _conv(x, "stem", 32, kernel=3, stride=2)
    index = 0
    for stage in STAGES:
        repeats = stage.repeats
        if stage not in (STAGES[0], STAGES[-1]):
            repeats = math.ceil(repeats * depth)
        for repeat in range(repeats):
            stride = stage.stride if repeat == 0 else 1
            x = _block(x, f"block{index}", stage, round_filters(stage.filters, width), stride)
            index += 1
    x = _conv(x, "head", 1280, kernel=1)
    return keras.Model(image, layers.GlobalAveragePooling2D(name="pool")(x), name=name)


def round_filters(filters: int, width: float) -> int:
    """Return the multiple of 8 nearest to ``filters * width``, never more than 10 % below it."""
    wanted = filters * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


def _block(
    x: keras.KerasTensor, name: str, stage: Stage, filters: int, stride: int
) -> keras.KerasTensor:
    """Expand, convolve each channel, project; add the input where its shape allows."""
    shortcut = x
    channels = x.shape[-1]
    if stage.expansion != 1:
        x = _conv(x, f"{name}_expand", channels * stage.expansion, kernel=1)
    depthwise = layers.DepthwiseConv2D(
        stage.kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_depthwise_conv"
    )
    x = _norm_relu(depthwise(x), f"{name}_depthwise")
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_project_conv")(x)
    x = _norm(x, f"{name}_project")
    if stride == 1 and channels == filters:
        x = layers.Add(name=f"{name}_add")([x, shortcut])
    return x


def _conv(
    x: keras.KerasTensor, name: str, filters: int, *, kernel: int, stride: int = 1
) -> keras.KerasTensor:
    conv = layers.Conv2D(
        filters, kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_conv"
    )
    return _norm_relu(conv(x), name)


def _norm_relu(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return layers.ReLU(max_value=6.0, name=f"{name}_relu")(_norm(x, name))


def _norm(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return layers.BatchNormalization(epsilon=1e-3, momentum=0.99, name=f"{name}_bn")(x)
