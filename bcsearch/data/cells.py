"""Draws one image of a blood cell among red cells. Imports numpy and the table of kinds.

Nothing here is photographed. Shapes are ellipses in coordinates bent by smooth noise; colours are laid over each other;
stain, light, focus and sensor noise differ from image to image. All is float64, so that rounding to bytes is the same
on every machine.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from bcsearch.data.cell_kinds import CellKind, Rgb

SIZE = 96
CHROMATIN_BUMPS = 28  # on a side; more, and the product of matrices behind them starts threads
Plane = NDArray[np.float64]  # of one value a pixel, (96, 96), or of three, (3, 96, 96)

PLASMA: Rgb = (250.0, 228.0, 203.0)
RED_CELL: Rgb = (216, 178, 172)
PLATELET_SPECK: Rgb = (120, 75, 150)
VACUOLE: Rgb = (246, 228, 222)


def draw_cell(kind: CellKind, rng: np.random.RandomState) -> NDArray[np.uint8]:
    """Draw one cell of a kind among red cells, shape (96, 96, 3), uint8, RGB."""
    picture = Picture(rng)
    radius = rng.uniform(*kind.radius)
    centre = rng.uniform(-10, 10, 2)
    _draw_background(picture, centre, radius)
    _draw_body(picture, kind, centre, radius)
    return _photograph(picture.pixels, rng).transpose(1, 2, 0)


class Picture:
    """Pixels being painted, shape (3, 96, 96), in coordinates bent by smooth noise with (0, 0) in the middle."""

    def __init__(self, rng: np.random.RandomState) -> None:
        self.rng = rng
        self.pixels = np.broadcast_to(_plane(PLASMA), (3, SIZE, SIZE)).copy()
        self.y, self.x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
        self.bend_y, self.bend_x = _smooth_noise(rng, 7), _smooth_noise(rng, 7)

    def distance(self, centre: Plane, radius: float, wobble: float, flatness: float = 1.0) -> Plane:
        """Return how far each pixel is outside a bent ellipse, in pixels; negative inside."""
        angle = self.rng.uniform(0, np.pi)
        y, x = self.y + wobble * self.bend_y - centre[0], self.x + wobble * self.bend_x - centre[1]
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        outside: Plane = np.sqrt(along**2 / flatness + across**2 * flatness) - radius
        return outside

    def lay(self, colour: Plane, opacity: Plane) -> None:
        """Lay a colour, (3, 1, 1) or (3, 96, 96), over the pixels where ``opacity``, shape (96, 96), is above 0."""
        self.pixels += opacity * (colour - self.pixels)


def _draw_background(picture: Picture, centre: Plane, radius: float) -> None:
    """Draw red cells around the place of the cell, pale in their middle, and now and then a loose platelet."""
    rng = picture.rng
    for _ in range(rng.randint(1, 8)):
        size = rng.uniform(13, 18)
        angle, away = rng.uniform(0, 2 * np.pi), radius + size * rng.uniform(0.85, 2.2)
        place = centre + away * np.array([np.sin(angle), np.cos(angle)])
        distance = picture.distance(place, size, 1.5, rng.uniform(1, 1.3))
        pallor = rng.uniform(0.2, 1.0) * np.exp(-(((distance + size) / (0.5 * size)) ** 2))
        picture.lay(_vary(rng, RED_CELL, 10), 0.9 * _inside(distance, 1.5) * (1 - pallor))
    if rng.uniform() < 0.15:
        place = rng.uniform(-SIZE / 2, SIZE / 2, 2)
        picture.lay(
            _plane(PLATELET_SPECK),
            0.8 * _inside(picture.distance(place, rng.uniform(2, 4), 2.0), 1.5),
        )


def _draw_body(picture: Picture, kind: CellKind, centre: Plane, radius: float) -> None:
    """Draw cytoplasm, nucleus, granules and vacuoles."""
    rng = picture.rng
    distance = picture.distance(centre, radius, kind.wobble, rng.uniform(1.0, 1.3))
    body = _inside(distance, 1.2)
    shade = 8 * _smooth_noise(rng, 12) - 14 * np.exp(-((distance / 2) ** 2))
    picture.lay(_vary(rng, kind.cytoplasm, kind.cytoplasm_spread) + shade, 0.95 * body)
    nucleus = _draw_nucleus(picture, kind, centre, radius) * body
    free = body * (1 - (1 - kind.veil) * nucleus)
    number = rng.randint(kind.granules[0], kind.granules[1] + 1)
    grains = _scatter(rng, number, centre, radius, kind.granule_radius)
    picture.lay(
        _vary(rng, kind.granule, 10),
        np.minimum(grains * rng.uniform(*kind.granule_depth), 1) * free,
    )
    holes = _scatter(rng, rng.randint(kind.vacuoles[0], kind.vacuoles[1] + 1), centre, radius, 1.5)
    picture.lay(_plane(VACUOLE), np.minimum(1.4 * holes, 0.85) * body * (1 - 0.8 * nucleus))


def _draw_nucleus(picture: Picture, kind: CellKind, centre: Plane, radius: float) -> Plane:
    """Draw the lobes, melted into one another, with chromatin and a dark rim; return where they are, 0 to 1."""
    rng = picture.rng
    n_lobes = rng.randint(kind.lobes[0], kind.lobes[1] + 1)
    if n_lobes == 0:
        return np.zeros((SIZE, SIZE))
    start, sweep = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(*kind.sweep))
    lobes = []
    for angle in start + sweep * np.linspace(0, 1, n_lobes):
        place = centre + radius * rng.uniform(*kind.lobe_distance) * np.array(
            [np.sin(angle), np.cos(angle)]
        )
        size = radius * rng.uniform(*kind.lobe_radius)
        lobes.append(picture.distance(place, size, 0.6 * kind.wobble, rng.uniform(1.0, 1.3)))
    distance = -np.log(np.exp(-np.array(lobes) / 1.6).sum(axis=0)) * 1.6
    nucleus = _inside(distance, 1.0)
    chromatin = 26 * kind.chromatin * np.clip(_smooth_noise(rng, CHROMATIN_BUMPS), -0.6, 1.6)
    rim = 16 * np.exp(-((distance / 1.6) ** 2))
    picture.lay(_vary(rng, kind.nucleus, 14) + chromatin - rim, 0.96 * nucleus)
    return nucleus


def _photograph(pixels: Plane, rng: np.random.RandomState) -> NDArray[np.uint8]:
    """Vary stain, light and focus, add noise, round to bytes, shape (3, 96, 96)."""
    strength = rng.uniform(0.7, 1.3) * rng.uniform(0.85, 1.15, (3, 1, 1))
    stained = _plane(PLASMA) * (np.maximum(pixels, 1) / _plane(PLASMA)) ** strength
    slope = np.linspace(-1, 1, SIZE)
    light = 1 + rng.uniform(-0.06, 0.06) * slope[:, None] + rng.uniform(-0.06, 0.06) * slope
    sigma = round(rng.uniform(0.4, 1.5), 1)
    seen = _blur(
        stained * light * (rng.uniform(0.86, 1.06) * rng.uniform(0.95, 1.05, (3, 1, 1))), sigma
    )
    noisy = seen + rng.uniform(2, 9) * rng.uniform(-1, 1, seen.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def _plane(colour: Rgb) -> Plane:
    """Return a colour in the shape of a picture, (3, 1, 1)."""
    return np.array(colour, np.float64).reshape(3, 1, 1)


def _inside(distance: Plane, softness: float) -> Plane:
    return np.clip(0.5 - distance / (2 * softness), 0, 1)


def _vary(rng: np.random.RandomState, colour: Rgb, spread: float) -> Plane:
    return (
        _plane(colour)
        + rng.uniform(-spread, spread)
        + rng.uniform(-spread / 2, spread / 2, (3, 1, 1))
    )


def _scatter(
    rng: np.random.RandomState, number: int, centre: Plane, radius: float, grain: float
) -> Plane:
    """Return round grains strewn evenly over a disc, shape (96, 96), each 1 in its middle."""
    away, angle = (
        1.05 * radius * np.sqrt(rng.uniform(size=number)),
        rng.uniform(0, 2 * np.pi, number),
    )
    rows = np.rint(centre[0] + away * np.sin(angle) + SIZE / 2).astype(int)
    columns = np.rint(centre[1] + away * np.cos(angle) + SIZE / 2).astype(int)
    seen = (rows >= 0) & (rows < SIZE) & (columns >= 0) & (columns < SIZE)
    grid = np.zeros((SIZE, SIZE))
    grid[rows[seen], columns[seen]] = 1
    peak: float = _gaussian(grain).max() ** 2
    return _blur(grid, grain) / peak


def _smooth_noise(rng: np.random.RandomState, cells: int) -> Plane:
    """Return smooth noise of mean 0 and variance 1, shape (96, 96), with about ``cells`` bumps on a side."""
    weights = _noise_weights(cells)
    return weights @ rng.standard_normal((cells, cells)) @ weights.T


@cache
def _noise_weights(cells: int) -> Plane:
    places = np.linspace(0, cells - 1, SIZE)[:, None] - np.arange(cells)
    weights = np.exp(-(places**2) / 0.6)
    lengths: Plane = np.sqrt((weights**2).sum(axis=1, keepdims=True))
    return weights / lengths


def _blur(pixels: Plane, sigma: float) -> Plane:
    """Blur the last two axes by a Gaussian, in shifted sums: products of matrices would start threads each time."""
    taps = _gaussian(sigma)
    margin = [(0, 0)] * (pixels.ndim - 1) + [(len(taps) // 2, len(taps) // 2)]
    for _ in range(2):  # blur the last axis, then swap it with the other
        padded = np.pad(pixels, margin, mode="edge")
        pixels = np.zeros(pixels.shape)
        for shift, tap in enumerate(taps.tolist()):
            pixels += tap * padded[..., shift : shift + SIZE]
        pixels = pixels.swapaxes(-1, -2)
    return pixels


@cache
def _gaussian(sigma: float) -> Plane:
    """Return the weights of neighbouring pixels, an odd number of them with sum 1."""
    reach = math.ceil(2.5 * sigma)
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    total: float = weights.sum()
    return weights / total
