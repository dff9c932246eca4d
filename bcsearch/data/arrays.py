"""Turns arrays of a user into the arrays of a Dataset, or says what is wrong with them.

The rule of pixels: uint8 is taken as it is; other integers must lie within 0..255; floats within
0..1 are scaled by 255 and rounded, floats within 0..255 are rounded. Grayscale, (n, height, width)
or with one channel, is repeated to three channels. The rule of sizes: the largest centred square is
cut out and resized bilinearly with antialiasing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bcsearch.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHUNK = 256  # images converted at a time, so that no second full-size float copy is made


def to_images(array: np.ndarray, where: str) -> NDArray[np.uint8]:
    """Return images of shape (n_images, height, width, 3), uint8, by the rule of pixels above.

    Args:
        array: shape (n, height, width), (n, height, width, 1) or (n, height, width, 3).
        where: what to call the array in an error.

    Raises:
        DataError: wrong shape, wrong type, values out of range or not finite.
    """
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[-1] not in (1, 3) or 0 in array.shape:
        raise DataError(
            f"{where} has shape {array.shape}; allowed: (n, height, width, 3), "
            "(n, height, width, 1) or (n, height, width), with at least one image"
        )
    if array.dtype.kind not in "uif":
        raise DataError(
            f"{where} has type {array.dtype}; "
            "allowed: uint8, integers 0..255, floats 0..1 or 0..255"
        )
    if array.dtype != np.uint8:
        array = _to_uint8(array, where)
    if array.shape[-1] == 1:
        array = np.repeat(array, 3, axis=-1)
    return np.ascontiguousarray(array)


def _to_uint8(array: np.ndarray, where: str) -> NDArray[np.uint8]:
    low, high = array.min(), array.max()
    _check_finite(np.array([low, high]), where)
    if low < 0 or high > 255:
        raise DataError(
            f"{where} holds values from {low:g} to {high:g}; "
            "allowed: integers 0..255, floats 0..1 (scaled by 255) or 0..255 (rounded)"
        )
    scale = 1.0
    if array.dtype.kind == "f" and high <= 1:
        scale = 255.0
    pixels = np.empty(array.shape, np.uint8)
    for start in range(0, len(array), CHUNK):
        rows = slice(start, start + CHUNK)
        pixels[rows] = np.rint(array[rows].astype(np.float64) * scale)
    return pixels


def _check_finite(values: np.ndarray, where: str) -> None:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise DataError(f"{where} holds values that are not finite (NaN or infinite); replace them")


def to_labels(array: np.ndarray, n_images: int, where: str) -> NDArray[np.int64]:
    """Return class numbers from 0, shape (n_images,), int64.

    Args:
        array: whole numbers of shape (n,) or (n, 1), or one-hot rows of shape (n, n_classes).
        n_images: how many are needed.
        where: what to call the array in an error.

    Raises:
        DataError: wrong number, shape or type, or values that are not class numbers.
    """
    if array.ndim not in (1, 2) or 0 in array.shape:
        raise DataError(
            f"{where} has shape {array.shape}; allowed: (n,), (n, 1) or one-hot (n, n_classes)"
        )
    if len(array) != n_images:
        raise DataError(
            f"{where} has {len(array)} rows for {n_images} images; give one label for every image"
        )
    if array.dtype.kind not in "buif":
        raise DataError(
            f"{where} has type {array.dtype}; allowed: whole numbers from 0, or one-hot rows"
        )
    _check_finite(array, where)
    if array.ndim == 2 and array.shape[1] > 1:
        array = _one_hot_to_numbers(array, where)
    _check_numbers(array, where)
    return array.ravel().astype(np.int64)


def _one_hot_to_numbers(array: np.ndarray, where: str) -> NDArray[np.int64]:
    numbers: NDArray[np.int64] = array.argmax(axis=1)
    good = (np.count_nonzero(array, axis=1) == 1) & (array.max(axis=1) == 1)
    if not good.all():
        raise DataError(
            f"{where} has shape {array.shape} but row {good.argmin()} is not one-hot; "
            "allowed: a single 1 in every row, the rest 0"
        )
    return numbers


def _check_numbers(numbers: np.ndarray, where: str) -> None:
    bad = numbers[numbers != np.rint(numbers)]
    if bad.size:
        raise DataError(f"{where} holds the fraction {bad[0]:g}; allowed: whole numbers from 0")
    if numbers.min() < 0:
        raise DataError(
            f"{where} holds the negative number {numbers.min():g}; allowed: whole numbers from 0"
        )
    if numbers.max() >= 10_000:
        raise DataError(
            f"{where} holds the number {numbers.max():g}; allowed: class numbers below 10000"
        )


def square(image: Image.Image, size: int) -> Image.Image:
    """Return ``image`` as a square of ``size`` pixels, by the rule of sizes above."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    cut = image.crop((left, top, left + side, top + side))  # resizing with a box looks beyond it
    return cut.resize((size, size), Image.Resampling.BILINEAR)


def resize(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return images of shape (n, size, size, 3): the same array when they have that size."""
    if images.shape[1:3] == (size, size):
        return images
    resized = np.empty((len(images), size, size, 3), np.uint8)
    for row, image in enumerate(images):
        resized[row] = np.asarray(square(Image.fromarray(image), size))
    return resized
