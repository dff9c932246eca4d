"""Kinds of copies that people leave in their data: one function each, from an image to another."""

from __future__ import annotations

from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Callable


def pixels(values: np.ndarray) -> np.ndarray:
    """Round and clip to uint8."""
    clipped: np.ndarray = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return clipped


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """Compress."""
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def moved(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """Move by pixels; the edge is repeated."""
    wide = np.pad(image, ((8, 8), (8, 8), (0, 0)), mode="edge")
    side = len(image)
    return wide[8 - down : 8 - down + side, 8 - right : 8 - right + side]


def cropped(image: np.ndarray, cut: int) -> np.ndarray:
    """Cut off a border and enlarge what is left."""
    inner = Image.fromarray(image[cut:-cut, cut:-cut])
    return np.asarray(inner.resize(image.shape[:2], Image.Resampling.BILINEAR))


def turned(image: np.ndarray, degrees: float) -> np.ndarray:
    """Turn by degrees, on the median colour."""
    ground = tuple(int(value) for value in np.median(image.reshape(-1, 3), axis=0))
    shown = Image.fromarray(image).rotate(degrees, Image.Resampling.BILINEAR, fillcolor=ground)
    return np.asarray(shown)


def noisy(image: np.ndarray, strength: float) -> np.ndarray:
    """Add noise."""
    random = np.random.default_rng(int(image.sum()) % 2**32)
    return pixels(image + random.normal(0.0, strength, image.shape))


def blurred(image: np.ndarray, radius: float) -> np.ndarray:
    """Blur."""
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius)))


def patched(image: np.ndarray) -> np.ndarray:
    """Lay a white bar over a corner."""
    copy = image.copy()
    copy[:16, :40] = 255
    return copy


def grey(image: np.ndarray) -> np.ndarray:
    """Take the colour away."""
    return np.asarray(Image.fromarray(image).convert("L").convert("RGB"))


KINDS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "the same": lambda image: image.copy(),
    "turned by 90 degrees": lambda image: np.rot90(image).copy(),
    "turned by 180 degrees": lambda image: np.rot90(image, 2).copy(),
    "mirrored": lambda image: image[:, ::-1].copy(),
    "moved by 3 pixels": lambda image: moved(image, 3, -3),
    "moved by 6 and 4 pixels": lambda image: moved(image, -6, 4),
    "10 % brighter": lambda image: pixels(image * 1.1),
    "15 % darker": lambda image: pixels(image * 0.85),
    "JPEG, quality 60": partial(jpeg, quality=60),
    "JPEG, quality 30": partial(jpeg, quality=30),
    "cropped by 4 pixels": partial(cropped, cut=4),
    "cropped by 8 pixels": partial(cropped, cut=8),
    "turned by 5 degrees": partial(turned, degrees=5),
    "turned by 12 degrees": partial(turned, degrees=12),
    "noise of 10 levels": partial(noisy, strength=10),
    "blurred by 1 pixel": partial(blurred, radius=1),
    "gamma 1.3": lambda image: pixels(255 * (image / 255) ** 1.3),
    "other colours": lambda image: pixels(image * np.array([1.05, 0.95, 1.08])),
    "grey": grey,
    "a bar over it": patched,
    "mirrored, brighter, JPEG 60": lambda image: jpeg(pixels(image[:, ::-1] * 1.1), 60),
    "turned by 90, moved by 3": lambda image: moved(np.rot90(image), 3, 3),
    "turned by 270, cropped by 6, JPEG 60": lambda image: jpeg(cropped(np.rot90(image, 3), 6), 60),
}
