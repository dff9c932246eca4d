"""Operations that every image goes through, in training and in use.

The same function makes the stored views and becomes a part of the exported model, so both see the
same pixels. All take float images (n, height, width, 3), 0 to 255, and may leave that range.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from keras import ops

from bcsearch.views.operation import Kind, Operation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bcsearch.views.operation import Change, Fit
    from bcsearch.views.view import Setting

BATCH = 16  # images changed together, so that little memory is needed whatever their size
LUMA = (0.299, 0.587, 0.114)  # weights of red, green, blue in brightness, ITU-R BT.601
SOFT_EDGE = 0.1  # of the circle, in halves of the image's shorter side
PERCENTILE_SIDE = 64  # pixels a side that are enough to find a percentile: sorting is slow
LEAST_CONTRAST = 8.0  # between background and darkest colour; a flat image is not stretched more
LEAST_SPREAD = 1.0  # the same of standard deviations
STANDARD_MEAN, STANDARD_SPREAD = 127.5, 40.0

# sRGB with a white of D65 to XYZ, each row scaled so that white is 1
TO_XYZ = np.array(
    [[0.4339, 0.3762, 0.1899], [0.2127, 0.7152, 0.0721], [0.0178, 0.1095, 0.8727]], np.float32
)
# cube roots of XYZ to lightness 0 to 100, green to red, blue to yellow; less 16 of lightness
TO_LAB = np.array([[0, 116, 0], [500, -500, 0], [0, 200, -200]], np.float32)
FROM_XYZ, FROM_LAB = np.linalg.inv(TO_XYZ), np.linalg.inv(TO_LAB)
DARK_XYZ, DARK_SLOPE, DARK_ROOT = 0.008856, 7.787, 16 / 116  # a line where roots would be steep

Measure = Callable[[Any], Any]  # of images, to a colour of each, (n, 1, 1, 3)


def grayscale(images: Any, settings: Mapping[str, Setting]) -> Any:
    """Return the brightness of each pixel in all three channels."""
    brightness = ops.sum(images * np.array(LUMA, np.float32), axis=-1, keepdims=True)
    return ops.repeat(brightness, 3, axis=-1)


def green(images: Any, settings: Mapping[str, Setting]) -> Any:
    """Return the green channel in all three channels."""
    return ops.repeat(images[..., 1:2], 3, axis=-1)


def circle(images: Any, settings: Mapping[str, Setting]) -> Any:
    """Fill what lies outside a centred disc with one colour.

    ``radius`` is in halves of the shorter side, ``fill`` the colour.
    """
    height, width = images.shape[1:3]
    radius: Any = settings["radius"]
    half = min(height, width) / 2
    down = (_from_centre(height) / half)[:, None, None]
    across = (_from_centre(width) / half)[:, None]
    # in squares of distances, by subtraction: Keras 3.15 adds a column as if it were a bias
    depth = ops.zeros_like(images) + radius**2 - down**2 - across**2
    inside = ops.clip(depth * (0.5 / radius / SOFT_EDGE) + 0.5, 0.0, 1.0)
    fill = _colour(settings, "fill")
    return inside * (images - fill) + fill


def two_point(images: Any, settings: Mapping[str, Setting]) -> Any:
    """Move two colours of each image to ``darkest`` and ``background``, and the rest in line."""
    darkest, target = _darkest(images), _colour(settings, "darkest")
    contrast = ops.maximum(_background(images) - darkest, LEAST_CONTRAST)
    return (images - darkest) / contrast * (_colour(settings, "background") - target) + target


def reinhard(images: Any, settings: Mapping[str, Setting]) -> Any:
    """Move the mean and the spread of each image in CIE LAB to ``mean`` and ``spread``."""
    lab = _to_lab(images)
    standard = (lab - _mean(lab)) / ops.maximum(_spread(lab), LEAST_SPREAD)
    return _from_lab(standard * _colour(settings, "spread") + _colour(settings, "mean"))


def background_white(images: Any, settings: Mapping[str, Setting]) -> Any:
    """Brighten each channel until the image's background is white."""
    return images * (255.0 / ops.maximum(_background(images), 1.0))


def gray_world(images: Any, settings: Mapping[str, Setting]) -> Any:
    """Scale each channel so that the mean colour of each image is gray."""
    mean = _mean(images)
    return images * (ops.mean(mean, axis=-1, keepdims=True) / ops.maximum(mean, 1.0))


def standardize(images: Any, settings: Mapping[str, Setting]) -> Any:
    """Give each channel of each image the same mean and the same spread."""
    standard = (images - _mean(images)) / ops.maximum(_spread(images), LEAST_SPREAD)
    return standard * STANDARD_SPREAD + STANDARD_MEAN


def _from_centre(n: int) -> np.ndarray:
    """Return the distances of ``n`` pixels in a row from its middle, in pixels, (n,) float32."""
    distances: np.ndarray = np.abs(np.arange(n, dtype=np.float32) - (n - 1) / 2)
    return distances


def _colour(settings: Mapping[str, Setting], name: str) -> np.ndarray:
    return np.array(settings[name], np.float32)


def _mean(images: Any) -> Any:
    return ops.mean(images, axis=(1, 2), keepdims=True)


def _spread(images: Any) -> Any:
    return ops.std(images, axis=(1, 2), keepdims=True)


def _darkest(images: Any) -> Any:
    return _percentile(images, 0.01)


def _background(images: Any) -> Any:
    return _percentile(images, 0.9)


def _percentile(images: Any, share: float) -> Any:
    """Return the value that a share of each image's pixels lies below, by channel.

    It is one of the image's own values; large images are looked at on a coarser grid.
    """
    step = -(-min(images.shape[1:3]) // PERCENTILE_SIDE)
    pixels = images[:, ::step, ::step]
    n_pixels = pixels.shape[1] * pixels.shape[2]
    ordered = ops.sort(ops.reshape(pixels, (-1, n_pixels, 3)), axis=1)
    return ordered[:, round(share * (n_pixels - 1))][:, None, None]


def _to_lab(images: Any) -> Any:
    """Return CIE LAB of sRGB images, without the 16 that lightness is moved by."""
    share = images * (1 / 255)
    linear = ops.where(
        share > 0.04045, ops.power((share + 0.055) * (1 / 1.055), 2.4), share * (1 / 12.92)
    )
    xyz = ops.matmul(linear, TO_XYZ.T)
    roots = ops.where(
        xyz > DARK_XYZ,
        ops.power(ops.maximum(xyz, DARK_XYZ), 1 / 3),
        xyz * DARK_SLOPE + DARK_ROOT,
    )
    return ops.matmul(roots, TO_LAB.T)


def _from_lab(lab: Any) -> Any:
    """Return sRGB images of what ``_to_lab`` gives; colours beyond are clipped."""
    roots = ops.matmul(lab, FROM_LAB.T)
    xyz = ops.where(
        roots > DARK_XYZ ** (1 / 3), roots * roots * roots, (roots - DARK_ROOT) * (1 / DARK_SLOPE)
    )
    linear = ops.clip(ops.matmul(xyz, FROM_XYZ.T), 0.0, 1.0)
    share = ops.where(
        linear > 0.0031308,
        ops.power(ops.maximum(linear, 0.0031308), 1 / 2.4) * 1.055 - 0.055,
        linear * 12.92,
    )
    return share * 255.0


def medians(**measures: Measure) -> Fit:
    """Return a fit whose settings are medians over the training images of what is measured.

    They are rounded, so that machines that compute a little differently share views.
    """

    def fit(chunks: Iterable[np.ndarray]) -> dict[str, Setting]:
        found: dict[str, list[np.ndarray]] = {name: [] for name in measures}
        for chunk in chunks:
            with tf.device("CPU"):
                images = tf.constant(chunk, tf.float32)
                for name, measure in measures.items():
                    found[name].append(ops.convert_to_numpy(measure(images)))
        whole = {name: np.median(np.concatenate(parts), axis=0) for name, parts in found.items()}
        return {name: tuple(np.round(colour.ravel(), 3).tolist()) for name, colour in whole.items()}

    return fit


def whole_pixels(images: Any) -> Any:
    """Clip to 0 to 255 and round, as stored views are."""
    return ops.round(ops.clip(images, 0.0, 255.0))


def run_change(change: Change, images: np.ndarray, settings: Mapping[str, Setting]) -> np.ndarray:
    """Apply a change to images (n, height, width, 3) uint8; return the same form."""
    pixels = np.empty_like(images)
    with tf.device("CPU"):
        for start in range(0, len(images), BATCH):
            batch = tf.constant(images[start : start + BATCH], tf.float32)
            pixels[start : start + BATCH] = whole_pixels(change(batch, settings)).numpy()
    return pixels


def baked_in(
    change: Change,
    *,
    family: str,
    doc: str,
    kind: Kind = Kind.PREPROCESS,
    params: Mapping[str, str] | None = None,
    fit: Fit | None = None,
) -> Operation:
    """Return the row of an operation given by ``keras.ops``, so that it fits into a model."""
    return Operation(
        kind=kind,
        family=family,
        doc=doc,
        run=lambda images, settings, seed: run_change(change, images, settings),
        params=params or {},
        fit=fit,
        change=change,
    )


PREPROCESSING = {
    "grayscale": baked_in(
        grayscale, family="colour", doc="Brightness alone: stains and cameras differ less in it."
    ),
    "green": baked_in(
        green,
        family="colour",
        doc="The green channel alone: for red, blue and purple stains, which are dark in it.",
    ),
    "circle": baked_in(
        circle,
        family="mask",
        doc=(
            "A soft disc of `circle_radius`; outside it is the background's colour in the "
            "training images: for one object in the middle of each image."
        ),
        params={"radius": "circle_radius"},
        fit=medians(fill=_background),
    ),
    "two_point": baked_in(
        two_point,
        family="colour",
        doc=(
            "Each image's background and darkest colour, channel by channel, become the training "
            "images': for dark objects on a bright ground, under other lamps or stains."
        ),
        fit=medians(darkest=_darkest, background=_background),
    ),
    "reinhard": baked_in(
        reinhard,
        family="colour",
        doc=(
            "Each image's mean and spread in LAB become the training images': for stained images "
            "that all hold about as much of each thing."
        ),
        fit=medians(
            mean=lambda images: _mean(_to_lab(images)),
            spread=lambda images: _spread(_to_lab(images)),
        ),
    ),
    "background_white": baked_in(
        background_white,
        family="colour",
        doc="Each image's background becomes white: for dark objects on a bright ground.",
    ),
    "gray_world": baked_in(
        gray_world,
        family="colour",
        doc="Each image's mean colour becomes gray: for scenes of many colours, not for stains.",
    ),
    "standardize": baked_in(
        standardize,
        family="colour",
        doc=(
            "Each channel gets the same mean and spread in all images: for images whose "
            "brightness and contrast say nothing."
        ),
    ),
}
