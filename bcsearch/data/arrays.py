"""Turns arrays of a user into the arrays of a Dataset, or says what is wrong with them.

The rule of pixels: uint8 is taken as it is; of other integers 255 is white; of floats 1 is where
none is above, else 255, and a highest value between the two (1.01 to 8) is refused. The user may
say another white. Values are scaled so that white is 255, and rounded; none may lie above white or
below 0, but floats may by a hundredth of white. Grayscale, (n,
height, width) or with one channel, is repeated to three channels; channels may come first. The rule
of sizes: the largest centred square is cut out (``crop``), or the rest filled with black (``pad``),
or the sides are squeezed (``squash``); then it is resized bilinearly with antialiasing.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bcsearch.data.naming import normalised
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bcsearch.config.sweep import Shape

CHUNK = 256  # images converted at a time, so that no second full-size float copy is made
OFF = 0.01  # the share of a range by which floats may lie outside, as interpolation leaves them
LEAST_HIGH = 8.0  # the highest value of floats 0..255: below, they are neither those nor 0..1
DARK = 31  # no image that a camera made has its brightest pixel below


def to_images(array: np.ndarray, where: str, white: float | None = None) -> NDArray[np.uint8]:
    """Return images of shape (n_images, height, width, 3), uint8, by the rule of pixels above.

    Args:
        array: shape (n, height, width), or (n, height, width, channels): one, three, or four with
            an opacity, which is laid on white.
        where: what to call the array in an error.
        white: the value that is white. None: by the rule.

    Raises:
        DataError: wrong shape, wrong type, values out of range or not finite.
    """
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[-1] not in (1, 3, 4) or 0 in array.shape:
        raise DataError(
            f"{where} has shape {array.shape}; allowed: (n, height, width, 3), (n, height, width, "
            "4), (n, height, width, 1) or (n, height, width), with at least one image"
        )
    if array.dtype.kind not in "uif":
        raise DataError(
            f"{where} has type {array.dtype}; "
            "allowed: uint8, integers 0..255, floats 0..1 or 0..255"
        )
    if array.dtype != np.uint8:
        array = scaled(array, white_of(array, where, white))
    if array.shape[-1] == 1:
        array = np.repeat(array, 3, axis=-1)
    if array.shape[-1] == 4:
        array = _on_white(array)
    return np.ascontiguousarray(array)


def _on_white(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay images with an opacity, (n, height, width, 4), on white."""
    laid = np.empty((*images.shape[:3], 3), np.uint8)
    for start in range(0, len(images), CHUNK):
        rows = slice(start, start + CHUNK)
        opaque = images[rows, ..., 3:].astype(np.float32) / 255
        laid[rows] = np.rint(images[rows, ..., :3] * opaque + 255 * (1 - opaque))
    return laid


def arranged(array: np.ndarray, n_labels: int | None) -> np.ndarray:
    """Return images with their axes in order: a single one among others, channels last.

    (height, width, 3) is one image where there are not as many labels as it is high; (n, 3, height,
    width) and (n, 1, height, width) are turned, unless the last axis may be the channels too.
    """
    shape = array.shape
    if len(shape) == 3 and shape[-1] == 3 and n_labels != shape[0]:
        return array[np.newaxis]
    if len(shape) == 4 and shape[1] in (1, 3) and shape[-1] not in (1, 3):
        return np.moveaxis(array, 1, -1)
    return array


def rule_of(array: np.ndarray, white: float | None = None) -> str:
    """Say how the values of images that ``to_images`` accepts are taken."""
    if array.dtype == np.uint8 or (array.dtype.kind != "f" and white is None):
        return str(array.dtype)
    return f"{array.dtype}, {white_of(array, '', white):g} is white"


def white_of(array: np.ndarray, where: str, given: float | None = None) -> float:
    """Return the value that is white, by the rule of pixels above.

    Args:
        array: integers or floats of any shape.
        where: what to call them in an error.
        given: what the user says. None: nothing.

    Raises:
        DataError: values are above white, below 0 or not finite, or nobody knows which is white.
    """
    low, high = array.min(), array.max()
    _check_finite(np.array([low, high]), where)
    floats = array.dtype.kind == "f"
    white = given or (1.0 if floats and high <= 1 + OFF else 255.0)
    off = OFF * white if floats else 0.0
    unclear = given is None and floats and 1 + OFF < high < LEAST_HIGH
    if low < -off or high > white + off or unclear:
        allowed = "integers 0..255, floats 0..1 or 0..255, or say which is white with --white"
        if given is not None:
            allowed = f"0 to {given:g}, which is white"
        raise DataError(f"{where} holds values from {low:g} to {high:g}; allowed: {allowed}")
    return white


def scaled(array: np.ndarray, white: float) -> NDArray[np.uint8]:
    """Return values as 0 to 255, which is ``white``, in an array of the same shape."""
    pixels = np.empty(array.shape, np.uint8)
    for start in range(0, len(array), CHUNK):
        rows = slice(start, start + CHUNK)
        values = np.rint(array[rows].astype(np.float64) * (255.0 / white))
        pixels[rows] = np.clip(values, 0, 255)
    return pixels


def _check_finite(values: np.ndarray, where: str) -> None:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise DataError(f"{where} holds values that are not finite (NaN or infinite); replace them")


def to_labels(array: np.ndarray, n_images: int, where: str) -> np.ndarray:
    """Return class numbers from 0, shape (n_images,), int64; text, of the same shape, stays text.

    Args:
        array: text or whole numbers of shape (n,) or (n, 1), or one-hot rows (n, n_classes).
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
    if array.dtype.kind in "US" and array.size == n_images:
        return _to_text(array)
    if array.dtype.kind not in "buif":
        raise DataError(
            f"{where} has type {array.dtype}; allowed: text, whole numbers from 0, or one-hot rows"
        )
    _check_finite(array, where)
    if array.ndim == 2 and array.shape[1] > 1:
        array = _one_hot_to_numbers(array, where)
    _check_numbers(array, where)
    return array.ravel().astype(np.int64)


def _to_text(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "surrogateescape")
    return np.array([normalised(str(value)) for value in array.ravel()])


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


def square(image: Image.Image, size: int, shape: Shape = "crop") -> Image.Image:
    """Return ``image`` as a square of ``size`` pixels, by the rule of sizes above."""
    side = min(image.size)
    if shape == "pad":
        side = max(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    if shape != "squash":
        # resizing with a box looks beyond it
        image = image.crop((left, top, left + side, top + side))
    return image.resize((size, size), Image.Resampling.BILINEAR)


def resize(images: NDArray[np.uint8], size: int, shape: Shape = "crop") -> NDArray[np.uint8]:
    """Return images of shape (n, size, size, 3): the same array when they have that size."""
    if images.shape[1:3] == (size, size):
        return images
    resized = np.empty((len(images), size, size, 3), np.uint8)
    for row, image in enumerate(images):
        resized[row] = np.asarray(square(Image.fromarray(image), size, shape))
    return resized


def digests(images: NDArray[np.uint8]) -> list[str]:
    """Return a text for every image, equal exactly where all pixels are equal."""
    return [blake2b(image.tobytes(), digest_size=16).hexdigest() for image in images]


def left_out(sizes: np.ndarray) -> float:
    """Return the share of the pixels, 0 to 1, that lies outside of the largest centred squares.

    ``sizes`` has shape (n_images, 2).
    """
    return float(1 - np.mean(sizes.min(axis=1) / sizes.max(axis=1)))
