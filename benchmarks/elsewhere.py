"""Images of elsewhere: another laboratory's, and held-out cells shifted in ways of their own.

The shifts share neither code nor mechanism with the corruptions that bcsearch scores by: a mixed
colour matrix, a lens, a sensor's mosaic, cells of the neighbourhood.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.ndimage import convolve, map_coordinates

if TYPE_CHECKING:
    from collections.abc import Callable

SHARED = Path("../shared/data")
DEV, TEST, BCCD = (SHARED / f"{name}_96.npz" for name in ("pbc_dev", "pbc_test", "bccd_shift"))


class Cells(NamedTuple):
    """Images (n, height, width, 3) uint8 and their labels (n,)."""

    images: np.ndarray
    labels: np.ndarray


def read_cells(path: Path) -> Cells:
    """Read a file of cells."""
    with np.load(path) as file:
        return Cells(file["data"], file["labels"].ravel().astype(np.int64))


def colour_matrix(images: np.ndarray) -> np.ndarray:
    """Mix the channels by one matrix, as another camera's filters do."""
    matrix = np.array([[0.70, 0.35, -0.05], [0.10, 0.75, 0.15], [0.05, 0.30, 0.65]])
    mixed: np.ndarray = np.clip(images @ matrix.T, 0, 255).astype(np.uint8)
    return mixed


def lens(images: np.ndarray) -> np.ndarray:
    """Bend the image outwards from its centre, as a cheap lens does."""
    height, width = images.shape[1:3]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    bend = 1 - 0.25 * (1 - (x**2 + y**2))
    places = [(y * bend + 1) * (height - 1) / 2, (x * bend + 1) * (width - 1) / 2]
    bent = np.empty_like(images)
    for image, into in zip(images, bent, strict=True):
        for channel in range(3):
            into[..., channel] = map_coordinates(
                image[..., channel], places, order=1, mode="nearest"
            )
    return bent


def mosaic(images: np.ndarray) -> np.ndarray:
    """Keep one colour of each pixel, in a Bayer pattern at half the size; fill in the others."""
    small = images[:, ::2, ::2].astype(float)
    y, x = np.mgrid[: small.shape[1], : small.shape[2]]
    seen = np.stack([(y % 2 == 0) & (x % 2 == 0), (y + x) % 2 == 1, (y % 2 == 1) & (x % 2 == 1)])
    kernel = np.array([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]])
    filled = np.empty_like(small)
    for channel, mask in enumerate(seen):
        weights = convolve(mask.astype(float), kernel, mode="mirror")
        for image, into in zip(small, filled, strict=True):
            into[..., channel] = (
                convolve(image[..., channel] * mask, kernel, mode="mirror") / weights
            )
    large: np.ndarray = np.clip(filled, 0, 255).astype(np.uint8).repeat(2, axis=1)
    return large.repeat(2, axis=2)


def neighbours(images: np.ndarray) -> np.ndarray:
    """Lay the middle of another image, faded out at its edge, over each image's corner."""
    random = np.random.default_rng(7)
    height, width = images.shape[1:3]
    y, x = np.mgrid[:height, :width]
    crowded = images.astype(float)
    for row, into in enumerate(crowded):
        other = images[random.integers(len(images))]
        angle = random.uniform(0, 2 * np.pi)
        dy, dx = (round(0.62 * side * f(angle)) for side, f in ((height, np.sin), (width, np.cos)))
        middle_y, middle_x = height / 2 + dy, width / 2 + dx
        share = np.clip((0.36 * width - np.hypot(y - middle_y, x - middle_x)) / 4, 0, 1)
        moved = np.roll(other, (dy, dx), axis=(0, 1))
        crowded[row] = into * (1 - share[..., np.newaxis]) + moved * share[..., np.newaxis]
    return crowded.astype(np.uint8)


SHIFTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "colour matrix": colour_matrix,
    "lens": lens,
    "mosaic": mosaic,
    "neighbours": neighbours,
}


def sets_elsewhere() -> dict[str, Cells]:
    """Return held-out cells, another laboratory's, and the held-out ones after each shift."""
    test = read_cells(TEST)
    shifted = {name: Cells(shift(test.images), test.labels) for name, shift in SHIFTS.items()}
    return {"test": test, "bccd": read_cells(BCCD), **shifted}
