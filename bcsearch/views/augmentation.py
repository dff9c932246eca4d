"""Random changes of images: what augmentation policies are made of.

A policy is a list of steps. Its strength scales their ranges: 0.5 leaves them as they stand here, 1
doubles them, 0 leaves flips and rotation alone. A step is a layer of keras-cv or draws an amount of
an effect for each image. keras-cv draws the strengths of its colour layers from TensorFlow's global
generator, which a layer's seed does not reset: the same layer twice in one process gives two
results. So strengths are drawn here, by ``Strength``, and every result depends on the seed alone.
Cells have no up and no left: both flips and every angle are allowed, and what a movement uncovers
is filled by reflection. Images without colour stay without.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import keras_cv
import numpy as np
import tensorflow as tf

from bcsearch.recipe import BY_NAME
from bcsearch.seeds import derive_seed
from bcsearch.views import effects
from bcsearch.views.operation import Fit, Kind, Operation
from bcsearch.views.stains import STAINS, fit_stains, restain
from bcsearch.views.view import Setting

STRENGTH = float(BY_NAME["augment_strength"].default)  # at which ranges are as they stand here
FRESH = "fresh"  # a setting of copies that are shown in one epoch alone
cv = keras_cv.layers
PIXELS = (0, 255)
EDGE = {"fill_mode": "reflect"}

Settings = Mapping[str, Setting]
Layer = Callable[[float, int], Callable[[tf.Tensor], Any]]  # from a scale and a seed above 0
Step = Callable[[np.ndarray, Settings, int], np.ndarray]  # of images (n, height, width, 3), float32


class Strength(keras_cv.core.FactorSampler):  # type: ignore[misc]  # keras-cv ships no types
    """Draws the strength of each image from [low, high], by its own seed."""

    def __init__(self, low: float, high: float, seed: int) -> None:
        self.low, self.high = low, high
        self.random = np.random.default_rng(seed)

    def __call__(self, shape: tuple[int, ...] = (), dtype: str = "float32") -> tf.Tensor:
        """Return strengths of that shape."""
        return tf.constant(self.random.uniform(self.low, self.high, shape), dtype)


def _around(middle: float, most: float, seed: int) -> Strength:
    return Strength(middle - most, middle + most, seed)


def _up_to(most: float, seed: int) -> Strength:
    return Strength(0.0, min(most, 1.0), seed)


def _contrast(scale: float, seed: int) -> Callable[[tf.Tensor], Any]:
    layer = cv.RandomContrast(PIXELS, 0.25, seed=seed)
    layer.factor = _around(1.0, 0.25 * scale, seed)  # its constructor takes numbers only
    return layer  # type: ignore[no-any-return]  # keras-cv ships no types


def _blended(layer: Callable[..., Any]) -> Layer:
    """Return a layer that has no strength, mixed with its images at scales below 1."""

    def make(scale: float, seed: int) -> Callable[[tf.Tensor], Any]:
        change = layer(PIXELS, seed=seed)
        if scale >= 1:
            return change  # type: ignore[no-any-return]  # keras-cv ships no types
        return lambda images: images + scale * (change(images) - images)

    return make


LAYERS: dict[str, Layer] = {
    "keep": lambda scale, seed: lambda images: images,
    "flip": lambda scale, seed: cv.RandomFlip("horizontal_and_vertical", seed=seed),
    "rotate": lambda scale, seed: cv.RandomRotation(0.5, seed=seed, **EDGE),  # half a turn each way
    "zoom": lambda scale, seed: cv.RandomZoom((-0.12 * scale, 0.12 * scale), seed=seed, **EDGE),
    "shift": lambda scale, seed: cv.RandomTranslation(
        0.08 * scale, 0.08 * scale, seed=seed, **EDGE
    ),
    "shear": lambda scale, seed: cv.RandomShear(
        _up_to(0.2 * scale, seed), _up_to(0.2 * scale, seed + 1), seed=seed, **EDGE
    ),
    "brightness": lambda scale, seed: cv.RandomBrightness(
        _around(0.0, 0.1 * scale, seed), value_range=PIXELS, seed=seed
    ),
    "strong_brightness": lambda scale, seed: cv.RandomBrightness(
        _around(0.0, 0.2 * scale, seed), value_range=PIXELS, seed=seed
    ),
    "contrast": _contrast,
    "auto_contrast": _blended(cv.AutoContrast),
    "equalize": _blended(cv.Equalization),
    "sharpen": lambda scale, seed: cv.RandomSharpness(_up_to(0.5 * scale, seed), PIXELS, seed=seed),
    "hue": lambda scale, seed: cv.RandomHue(_up_to(0.06 * scale, seed), PIXELS, seed=seed),
    "saturation": lambda scale, seed: cv.RandomSaturation(
        _around(0.5, 0.08 * scale, seed), seed=seed
    ),
    "fade_colour": lambda scale, seed: cv.RandomColorDegeneration(
        _up_to(0.5 * scale, seed), seed=seed
    ),
}


def _of_layer(make: Layer) -> Step:
    def step(images: np.ndarray, settings: Settings, seed: int) -> np.ndarray:
        changed: np.ndarray = make(_scale(settings), seed)(tf.constant(images)).numpy()
        return changed

    return step


def _scale(settings: Settings) -> float:
    """Return by what the ranges of steps are multiplied."""
    return float(settings["strength"]) / STRENGTH  # type: ignore[arg-type]  # a number by the table


def _each(effect: effects.Effect, most: float, share: float = 1.0) -> Step:
    """Return a step that draws an amount up to ``most`` for a ``share`` of the images."""

    def step(images: np.ndarray, settings: Settings, seed: int) -> np.ndarray:
        random = np.random.default_rng(seed)
        amounts = random.uniform(0, most * _scale(settings), len(images)).tolist()
        changed: np.ndarray = np.clip(images, *PIXELS)
        for row in np.flatnonzero(random.uniform(size=len(images)) < share):
            changed[row] = np.clip(effect(changed[row], amounts[row], random), *PIXELS)
        return changed

    return step


def _stain(images: np.ndarray, settings: Settings, seed: int) -> np.ndarray:
    stained = partial(restain, stains={**STAINS, **settings})
    return _each(stained, 1.0)(images, settings, seed)


def _random_steps(names: Sequence[str], n_steps: int) -> Step:
    """Return a step that gives each image some of the named steps, drawn for it.

    Images that drew the same go through together: keras-cv's own RandAugment does one image after
    another when run eagerly, at 50 images a second.
    """

    def step(images: np.ndarray, settings: Settings, seed: int) -> np.ndarray:
        random = np.random.default_rng(seed)
        images = images.copy()
        for _ in range(n_steps):
            drawn = random.integers(len(names), size=len(images))
            for index in np.unique(drawn):
                rows = np.flatnonzero(drawn == index)
                change = STEPS[names[index]]
                images[rows] = change(images[rows], settings, 1 + int(random.integers(2**30)))
        return images

    return step


def _trivial(images: np.ndarray, settings: Settings, seed: int) -> np.ndarray:
    """Give each image one step, of a range that is half as wide again."""
    wider = {**settings, "strength": 1.5 * STRENGTH * _scale(settings)}
    return _random_steps(PUBLISHED, 1)(images, wider, seed)


def _mixed_chains(images: np.ndarray, settings: Settings, seed: int) -> np.ndarray:
    """Mix each image with what three chains of one to three steps make of it."""
    random = np.random.default_rng(seed)
    weights = random.dirichlet(np.ones(3), len(images)).astype(np.float32)
    share = random.uniform(size=(len(images), 1, 1, 1)).astype(np.float32)
    mixed: np.ndarray = np.zeros_like(images)
    for chain in range(3):
        changed = images.copy()
        lengths = random.integers(1, 4, len(images))
        for length in range(3):
            rows = np.flatnonzero(lengths > length)
            step_seed = int(random.integers(2**30))
            changed[rows] = _random_steps(CHAINED, 1)(changed[rows], settings, step_seed)
        mixed += weights[:, chain, None, None, None] * changed
    mixed += (1 - share) * (images - mixed)
    return mixed


VARIED = (
    "stain", "blur", "white_balance", "wide_zoom", "fade_colour", "gamma", "noise",
    "wide_contrast", "jpeg", "shade", "pixelate",
)  # fmt: skip
CHAINED = ("auto_contrast", "posterize", "solarize", "shear", "shift", "wide_zoom")
UNINVERTED = (  # solarisation turns the bright ground around a cell black
    "keep", "auto_contrast", "equalize", "sharpen", "fade_colour",
    "contrast", "strong_brightness", "shear", "shift", "zoom",
)  # fmt: skip
PUBLISHED = (*UNINVERTED, "posterize", "solarize")
STEPS: dict[str, Step] = {
    **{name: _of_layer(make) for name, make in LAYERS.items()},
    "wide_zoom": _each(effects.zoom, 0.25),
    "gamma": _each(effects.gamma, 0.4),
    "wide_contrast": _each(effects.contrast, 0.4),
    "white_balance": _each(effects.white_balance, 0.15),
    "channel_shift": _each(effects.channel_shift, 20),
    "shade": _each(effects.shade, 0.35),
    "stain": _stain,
    "noise": _each(effects.noise, 16),
    "blur": _each(effects.blur, 1.2),
    "jpeg": _each(effects.jpeg, 45),
    "pixelate": _each(effects.pixelate, 1.0),
    "posterize": _each(effects.posterize, 32),
    "solarize": _each(effects.solarize, 0.2),
    "some_solarized": _each(effects.solarize, 0.2, share=0.2),
    "some_cut_out": _each(effects.cut_out, 0.3, share=0.5),
    "some_masked": _each(effects.grid_mask, 0.3, share=0.5),
    "rand_augment": _random_steps(UNINVERTED, 2),
    "two_published": _random_steps(PUBLISHED, 2),
    "trivial": _trivial,
    "mixed_chains": _mixed_chains,
    "one_varied": _random_steps(VARIED, 1),
}
ORIENTATION = ("flip", "rotate")


def apply_steps(
    images: np.ndarray, steps: Sequence[str], settings: Settings, seed: int
) -> np.ndarray:
    """Change images (n, height, width, 3) uint8 at random, step by step; rows stay in place.

    Equal arguments give equal bytes.
    """
    changed = images.astype(np.float32)
    with tf.device("CPU"):
        for index, name in enumerate(steps):
            if settings["strength"] == 0 and name not in ORIENTATION:
                continue
            step_seed = 1 + derive_seed(seed, name, index) // 2  # keras-cv takes 0 for no seed
            changed = STEPS[name](changed, settings, step_seed)
    gray = (images == images[..., :1]).all(axis=(1, 2, 3))
    changed[gray] = changed[gray].mean(axis=-1, keepdims=True)
    rounded: np.ndarray = np.rint(np.clip(changed, *PIXELS)).astype(np.uint8)
    return rounded


def policy(
    steps: Sequence[str],
    doc: str,
    *,
    by_copy: Sequence[str] = (),
    drawn: str = "",
    fit: Fit | None = None,
) -> Operation:
    """Return the row of an augmentation policy, given by the names of its steps.

    Each numbered copy of the images gets one of the steps ``by_copy`` on top, in turn; one that is
    shown in one epoch alone gets the step ``drawn`` instead, so that no epoch is of one kind.
    """

    def run(images: np.ndarray, settings: Settings, seed: int) -> np.ndarray:
        settings = {"strength": STRENGTH, **settings}
        chosen = list(steps)
        if by_copy and FRESH in settings:
            chosen.append(drawn)
        elif by_copy:
            turn = int(settings["copy"]) - 1  # type: ignore[arg-type]  # a number by ``make_chunk``
            chosen.append(by_copy[turn % len(by_copy)])
        return apply_steps(images, chosen, settings, seed)

    return Operation(kind=Kind.AUGMENT, family="policy", doc=doc, run=run, fit=fit)


MOVEMENT = (*ORIENTATION, "zoom", "shift")
COLOUR = ("brightness", "contrast", "hue", "saturation")
POLICIES = {
    "light": policy(MOVEMENT, "Flips, any rotation, a little zoom and shift."),
    "medium": policy((*MOVEMENT, *COLOUR), "As light, with brightness, contrast and colour."),
    "strong": policy(
        (*ORIENTATION, "rand_augment", *COLOUR), "RandAugment, flips, rotation, colour."
    ),
    "geometric": policy(
        (*ORIENTATION, "shift", "shear", "wide_zoom"), "Movements alone, with shear and more zoom."
    ),
    "colour": policy(
        (*ORIENTATION, "gamma", "white_balance", "contrast", "hue", "saturation"),
        "Flips and rotation, and what light, camera and dyes change in colour.",
    ),
    "stain": policy(
        (*ORIENTATION, "stain"),
        "Flips and rotation, and other stains than those found in the images.",
        fit=fit_stains,
    ),
    "randaugment": policy(
        (*ORIENTATION, "two_published"),
        "RandAugment (Cubuk and others, 2020): two steps drawn for each image.",
    ),
    "augmix": policy(
        (*ORIENTATION, "mixed_chains"),
        "AugMix (Hendrycks and others, 2020): each image mixed with three changed ones.",
    ),
    "trivial": policy(
        (*ORIENTATION, "trivial"),
        "TrivialAugment (Müller and Hutter, 2021): one step for each image, of wider ranges.",
    ),
    "full": policy(
        (
            *(*ORIENTATION, "shear", "wide_zoom", "rand_augment", "some_solarized"),
            *("channel_shift", "fade_colour", "blur", "noise", "jpeg"),
            *("some_masked", "some_cut_out"),
        ),
        "All at once: movements, RandAugment, colours, noise, blur, JPEG, what hides parts.",
    ),
    "varied": policy(
        ORIENTATION,
        "One effect a stored copy, another in each: stain, blur, colours, zoom, noise, JPEG.",
        by_copy=VARIED,
        drawn="one_varied",
        fit=fit_stains,
    ),
}
