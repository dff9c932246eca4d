"""What happens to images elsewhere: effects that augmentation and corruption share.

An effect is a function of one image (height, width, 3), float32, 0 to 255, an amount and a random
generator. Amount 0 changes nothing, more changes more. What it draws does not depend on the amount.
Lengths are given in 96ths of the image's side, so an effect looks alike at any size.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
from PIL import Image, ImageFilter

Effect = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
SIDE = 96  # of the images in whose pixels lengths are given
MOST_SPECKS = 40


def noise(image: np.ndarray, amount: float, random: np.random.Generator) -> np.ndarray:
    """Add normal noise of standard deviation ``amount`` to every value."""
    drawn: np.ndarray = random.standard_normal(image.shape, np.float32)
    return image + np.float32(amount) * drawn


def blur(image: np.ndarray, amount: float, random: np.random.Generator) -> np.ndarray:
    """Blur by a Gaussian of ``amount`` pixels."""
    radius = amount * min(image.shape[:2]) / SIDE
    return _pixels(_picture(image).filter(ImageFilter.GaussianBlur(radius)))


def jpeg(image: np.ndarray, amount: float, random: np.random.Generator) -> np.ndarray:
    """Write as JPEG of quality 100 - ``amount``, at least 5, and read back."""
    file = BytesIO()
    _picture(image).save(file, "JPEG", quality=max(5, round(100 - amount)))
    return _pixels(Image.open(file))


def pixelate(image: np.ndarray, amount: float, random: np.random.Generator) -> np.ndarray:
    """Show squares of 1 + ``amount`` pixels in one colour each."""
    picture = _picture(image)
    side = 1 + amount * min(picture.size) / SIDE
    small = picture.resize(
        (max(1, round(picture.width / side)), max(1, round(picture.height / side))),
        Image.Resampling.BOX,
    )
    return _pixels(small.resize(picture.size, Image.Resampling.NEAREST))


def gamma(image: np.ndarray, amount: float, random: np.random.Generator) -> np.ndarray:
    """Raise brightness to a power of exp(``amount``) or its inverse."""
    changed: np.ndarray = 255 * (image / 255) ** np.float32(np.exp(amount * _sign(random)))
    return changed


def contrast(image: np.ndarray, amount: float, random: np.random.Generator) -> np.ndarray:
    """Stretch or shrink the distance from the mean by exp(``amount``)."""
    mean = image.mean()
    changed: np.ndarray = mean + (image - mean) * np.float32(np.exp(amount * _sign(random)))
    return changed


def white_balance(image: np.ndarray, amount: float, random: np.random.Generator) -> np.ndarray:
    """Multiply the channels by factors whose logarithms add up to 0 and have length ``amount``."""
    direction = random.standard_normal(3)
    direction -= direction.mean()
    direction /= np.linalg.norm(direction)
    return image * np.exp(amount * direction).astype(np.float32)


def shade(image: np.ndarray, amount: float, random: np.random.Generator) -> np.ndarray:
    """Darken with the distance from a random point, at the farthest one by the share ``amount``."""
    height, width = image.shape[:2]
    y, x = random.uniform(size=2)
    rows, columns = np.linspace(0, 1, height) - y, np.linspace(0, 1, width) - x
    distance = np.hypot(rows[:, None], columns)
    light: np.ndarray = 1 - amount * distance / distance.max()
    return image * light[..., None].astype(np.float32)


def zoom(image: np.ndarray, amount: float, random: np.random.Generator) -> np.ndarray:
    """Show everything larger or smaller by exp(``amount``); what is missing is reflected."""
    size = np.array(image.shape[:2])
    shown = size / np.exp(amount * _sign(random))  # of the image, or of its mirrored surroundings
    margins = np.ceil(np.maximum(shown - size, 0) / 2).astype(int)
    around = np.pad(image, [(margin, margin) for margin in (*margins, 0)], "symmetric")
    first = (np.array(around.shape[:2]) - shown) / 2
    box = (*first[::-1], *(first + shown)[::-1])  # PIL counts columns first
    picture = _picture(around).resize(image.shape[1::-1], Image.Resampling.BILINEAR, box)
    return _pixels(picture)


def deposits(image: np.ndarray, amount: float, random: np.random.Generator) -> np.ndarray:
    """Darken round specks of dust or dye, ``amount`` of them and at most ``MOST_SPECKS``."""
    height, width = image.shape[:2]
    y, x = random.uniform(size=(2, MOST_SPECKS))
    radius = random.uniform(0.5, 2.0, MOST_SPECKS) / SIDE
    depth = random.uniform(0.5, 0.9, MOST_SPECKS) * (np.arange(MOST_SPECKS) < round(amount))
    rows = np.exp(-(((np.linspace(0, 1, height)[:, None] - y) / radius) ** 2) / 2)
    columns = np.exp(-(((np.linspace(0, 1, width)[:, None] - x) / radius) ** 2) / 2)
    light: np.ndarray = 1 - np.minimum(rows * depth @ columns.T, 0.9)
    return image * light[..., None].astype(np.float32)


def channel_shift(image: np.ndarray, amount: float, random: np.random.Generator) -> np.ndarray:
    """Add up to ``amount`` to each channel, or take it away."""
    shift: np.ndarray = amount * random.uniform(-1, 1, 3)
    return image + shift.astype(np.float32)


def posterize(image: np.ndarray, amount: float, random: np.random.Generator) -> np.ndarray:
    """Round brightness down to steps of 1 + ``amount``."""
    step = np.float32(1 + amount)
    changed: np.ndarray = np.floor(image / step) * step
    return changed


def solarize(image: np.ndarray, amount: float, random: np.random.Generator) -> np.ndarray:
    """Invert what is brighter than all but the share ``amount`` of brightness."""
    return np.where(image > 255 * (1 - amount), 255 - image, image)


def cut_out(image: np.ndarray, amount: float, random: np.random.Generator) -> np.ndarray:
    """Fill a square whose sides are the share ``amount`` of the image's with the mean colour.

    DeVries and Taylor (2017), Improved regularization of convolutional neural networks with CutOut.
    """
    rows, columns = (np.linspace(0, 1, n) - random.uniform() for n in image.shape[:2])
    return _filled(image, np.abs(rows) < amount / 2, np.abs(columns) < amount / 2)


def grid_mask(image: np.ndarray, amount: float, random: np.random.Generator) -> np.ndarray:
    """Fill the squares of a grid, whose sides are a share ``amount`` of its period.

    Chen and others (2020), GridMask data augmentation.
    """
    period = random.uniform(0.25, 0.5)  # of the image's side
    rows, columns = (np.linspace(0, 1, n) / period + random.uniform() for n in image.shape[:2])
    return _filled(image, rows % 1 < amount, columns % 1 < amount)


def _filled(image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    covered = (rows[:, None] & columns)[..., None]
    return np.where(covered, image.mean(axis=(0, 1)), image)


def _sign(random: np.random.Generator) -> int:
    return 1 - 2 * int(random.integers(2))


def _picture(image: np.ndarray) -> Image.Image:
    return Image.fromarray(np.rint(image).astype(np.uint8))


def _pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, np.float32)
