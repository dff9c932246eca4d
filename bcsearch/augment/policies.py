"""The table of augmentation policies, over keras-cv layers run eagerly. Imports keras_cv, tensorflow, numpy.

keras-cv draws the strengths of its colour layers from TensorFlow's global generator, which a layer's seed does not
reset: the same layer twice in one process gives two results. So strengths are drawn here, by ``Strength``, and every
result depends on the seed alone. Cells have no up and no left: both flips and every angle are allowed, and what a
movement uncovers is filled by reflection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras_cv
import numpy as np
import tensorflow as tf

from bcsearch.errors import ConfigError, unknown
from bcsearch.seeds import derive_seed

if TYPE_CHECKING:
    import keras

cv = keras_cv.layers
RANGE = (0, 255)
EDGE = "reflect"
RANDOM_STEPS = 2  # operations that RandAugment applies to one image, one after the other

Change = Callable[[tf.Tensor], tf.Tensor]  # of float images (n, height, width, 3)
Step = Callable[[int], Change]  # from a seed above 0


class Strength(keras_cv.core.FactorSampler):  # type: ignore[misc]  # keras-cv ships no types
    """Draws the strength of each image from [low, high], by its own seed."""

    def __init__(self, low: float, high: float, seed: int) -> None:
        self.low, self.high = low, high
        self.random = np.random.default_rng(seed)

    def __call__(self, shape: tuple[int, ...] = (), dtype: str = "float32") -> tf.Tensor:
        """Return strengths of that shape."""
        return tf.constant(self.random.uniform(self.low, self.high, shape), dtype)


def _flip(seed: int) -> keras.Layer:
    return cv.RandomFlip("horizontal_and_vertical", seed=seed)


def _rotate(seed: int) -> keras.Layer:
    return cv.RandomRotation(0.5, fill_mode=EDGE, seed=seed)  # half a turn either way: every angle


def _zoom(seed: int) -> keras.Layer:
    return cv.RandomZoom((-0.12, 0.12), fill_mode=EDGE, seed=seed)


def _shift(seed: int) -> keras.Layer:
    return cv.RandomTranslation(0.08, 0.08, fill_mode=EDGE, seed=seed)


def _brightness(seed: int) -> keras.Layer:
    return cv.RandomBrightness(Strength(-0.1, 0.1, seed), value_range=RANGE, seed=seed)


def _contrast(seed: int) -> keras.Layer:
    layer = cv.RandomContrast(RANGE, 0.25, seed=seed)
    layer.factor = Strength(0.75, 1.25, seed)  # its constructor takes numbers only
    return layer


def _hue(seed: int) -> keras.Layer:
    return cv.RandomHue(Strength(0.0, 0.06, seed), RANGE, seed=seed)


def _saturation(seed: int) -> keras.Layer:
    return cv.RandomSaturation(Strength(0.42, 0.58, seed), seed=seed)  # 0.5 changes nothing


def _auto_contrast(seed: int) -> keras.Layer:
    return cv.AutoContrast(RANGE, seed=seed)


def _equalize(seed: int) -> keras.Layer:
    return cv.Equalization(RANGE, seed=seed)


def _sharpen(seed: int) -> keras.Layer:
    return cv.RandomSharpness(Strength(0.0, 0.5, seed), RANGE, seed=seed)


def _fade_colour(seed: int) -> keras.Layer:
    return cv.RandomColorDegeneration(Strength(0.0, 0.5, seed), seed=seed)


def _strong_brightness(seed: int) -> keras.Layer:
    return cv.RandomBrightness(Strength(-0.2, 0.2, seed), value_range=RANGE, seed=seed)


def _shear(seed: int) -> keras.Layer:
    return cv.RandomShear(
        Strength(0.0, 0.2, seed), Strength(0.0, 0.2, seed + 1), fill_mode=EDGE, seed=seed
    )


def _keep(seed: int) -> Change:
    return lambda images: images


RANDOM_OPERATIONS: tuple[Step, ...] = (
    _keep, _auto_contrast, _equalize, _sharpen, _fade_colour, _contrast, _strong_brightness, _shear, _shift, _zoom,
)  # fmt: skip


def _rand_augment(seed: int) -> Change:
    """Give RandAugment: each image gets operations drawn for it; images that drew the same go through together.

    keras-cv's own layer does one image after another when run eagerly, at 50 images a second; and its solarisation,
    which turns the bright ground around a cell black, is left out.
    """
    random = np.random.default_rng(seed)

    def change(images: tf.Tensor) -> tf.Tensor:
        for _ in range(RANDOM_STEPS):
            drawn = random.integers(len(RANDOM_OPERATIONS), size=len(images))
            for index in np.unique(drawn):
                rows = np.flatnonzero(drawn == index)
                operation = RANDOM_OPERATIONS[index](1 + int(random.integers(2**30)))
                images = tf.tensor_scatter_nd_update(
                    images, rows[:, None], operation(tf.gather(images, rows))
                )
        return images

    return change


GEOMETRY: tuple[Step, ...] = (_flip, _rotate, _zoom, _shift)
COLOUR: tuple[Step, ...] = (_brightness, _contrast, _hue, _saturation)
POLICIES: dict[str, tuple[Step, ...]] = {
    "none": (),
    "light": GEOMETRY,
    "medium": GEOMETRY + COLOUR,
    "strong": (_flip, _rotate, _rand_augment, *COLOUR),
}


def make_view_chunk(images: np.ndarray, policy: str, seed: int) -> np.ndarray:
    """Augment images of shape (n, height, width, 3), uint8; rows stay in place. Equal arguments give equal bytes.

    Raises:
        ConfigError: there is no such policy.
    """
    if policy not in POLICIES:
        raise ConfigError(unknown("augmentation policy", policy, POLICIES))
    changed: Any = tf.constant(images, tf.float32)
    with tf.device("CPU"):
        for index, step in enumerate(POLICIES[policy]):
            # keras-cv takes a seed of 0 for none
            changed = step(1 + derive_seed(seed, policy, index) // 2)(changed)
    rounded: np.ndarray = np.rint(np.clip(changed.numpy(), *RANGE)).astype(np.uint8)
    return rounded
