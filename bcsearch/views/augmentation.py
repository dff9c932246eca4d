"""Random changes of images, by keras-cv layers: what augmentation policies are made of.

keras-cv draws the strengths of its colour layers from TensorFlow's global generator, which a
layer's seed does not reset: the same layer twice in one process gives two results. So strengths are
drawn here, by ``Strength``, and every result depends on the seed alone. Cells have no up and no
left: both flips and every angle are allowed, and what a movement uncovers is filled by reflection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras_cv
import numpy as np
import tensorflow as tf

from bcsearch.seeds import derive_seed
from bcsearch.views.operation import Kind, Operation

cv = keras_cv.layers
PIXELS = (0, 255)
EDGE = {"fill_mode": "reflect"}

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


def _brightness(most: float) -> Step:
    return lambda seed: cv.RandomBrightness(
        Strength(-most, most, seed), value_range=PIXELS, seed=seed
    )


def _contrast(seed: int) -> Change:
    layer = cv.RandomContrast(PIXELS, 0.25, seed=seed)
    layer.factor = Strength(0.75, 1.25, seed)  # its constructor takes numbers only
    return layer  # type: ignore[no-any-return]  # keras-cv ships no types


def _shear(seed: int) -> Change:
    x, y = Strength(0.0, 0.2, seed), Strength(0.0, 0.2, seed + 1)
    return cv.RandomShear(x, y, seed=seed, **EDGE)  # type: ignore[no-any-return]  # the same


STEPS: dict[str, Step] = {
    "keep": lambda seed: lambda images: images,
    "flip": lambda seed: cv.RandomFlip("horizontal_and_vertical", seed=seed),
    "rotate": lambda seed: cv.RandomRotation(0.5, seed=seed, **EDGE),  # half a turn either way
    "zoom": lambda seed: cv.RandomZoom((-0.12, 0.12), seed=seed, **EDGE),
    "shift": lambda seed: cv.RandomTranslation(0.08, 0.08, seed=seed, **EDGE),
    "shear": _shear,
    "brightness": _brightness(0.1),
    "strong_brightness": _brightness(0.2),
    "contrast": _contrast,
    "auto_contrast": lambda seed: cv.AutoContrast(PIXELS, seed=seed),
    "equalize": lambda seed: cv.Equalization(PIXELS, seed=seed),
    "sharpen": lambda seed: cv.RandomSharpness(Strength(0.0, 0.5, seed), PIXELS, seed=seed),
    "hue": lambda seed: cv.RandomHue(Strength(0.0, 0.06, seed), PIXELS, seed=seed),
    "saturation": lambda seed: cv.RandomSaturation(Strength(0.42, 0.58, seed), seed=seed),
    "fade_colour": lambda seed: cv.RandomColorDegeneration(Strength(0.0, 0.5, seed), seed=seed),
    "rand_augment": lambda seed: _rand_augment(seed),
}
RANDOM_STEPS = (
    "keep", "auto_contrast", "equalize", "sharpen", "fade_colour",
    "contrast", "strong_brightness", "shear", "shift", "zoom",
)  # fmt: skip


def _rand_augment(seed: int) -> Change:
    """Give RandAugment: each image gets two steps drawn for it.

    Images that drew the same go through together.

    keras-cv's own layer does one image after another when run eagerly, at 50 images a second; and
    its solarisation, which turns the bright ground around a cell black, is left out.
    """
    random = np.random.default_rng(seed)

    def change(images: tf.Tensor) -> tf.Tensor:
        for _ in range(2):
            drawn = random.integers(len(RANDOM_STEPS), size=len(images))
            for index in np.unique(drawn):
                rows = np.flatnonzero(drawn == index)
                step = STEPS[RANDOM_STEPS[index]](1 + int(random.integers(2**30)))
                changed = step(tf.gather(images, rows))
                images = tf.tensor_scatter_nd_update(images, rows[:, None], changed)
        return images

    return change


def apply_steps(images: np.ndarray, steps: Sequence[str], seed: int) -> np.ndarray:
    """Change images (n, height, width, 3) uint8 at random, step by step; rows stay in place.

    Equal arguments give equal bytes.
    """
    changed: Any = tf.constant(images, tf.float32)
    with tf.device("CPU"):
        for index, name in enumerate(steps):
            step_seed = 1 + derive_seed(seed, name, index) // 2  # keras-cv takes 0 for no seed
            changed = STEPS[name](step_seed)(changed)
    rounded: np.ndarray = np.rint(np.clip(changed.numpy(), *PIXELS)).astype(np.uint8)
    return rounded


def policy(*steps: str, doc: str) -> Operation:
    """Return the row of an augmentation policy, given by the names of its steps."""
    return Operation(
        kind=Kind.AUGMENT,
        family="policy",
        doc=doc,
        run=lambda images, settings, seed: apply_steps(images, steps, seed),
    )


GEOMETRY = ("flip", "rotate", "zoom", "shift")
COLOUR = ("brightness", "contrast", "hue", "saturation")
POLICIES = {
    "light": policy(*GEOMETRY, doc="Flips, any rotation, a little zoom and shift."),
    "medium": policy(*GEOMETRY, *COLOUR, doc="As light, with brightness, contrast and colour."),
    "strong": policy(
        *("flip", "rotate", "rand_augment", *COLOUR), doc="RandAugment, flips, rotation, colour."
    ),
}
