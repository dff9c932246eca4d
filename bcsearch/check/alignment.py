"""Lays one image over another, and tells how alike they are there, pixel by pixel."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import fft
from scipy.ndimage import affine_transform, gaussian_filter, map_coordinates

from bcsearch.data.arrays import CHUNK

ORIENTATIONS = 8  # turns by 90 degrees, then the mirrored ones
COARSE, MIDDLE, FINE = 32, 64, 96  # pixels a side: where the place is sought, refined, judged
SCALES = (0.8, 0.9, 1.0, 1.11, 1.25)
ANGLES = (-10.0, -5.0, 0.0, 5.0, 10.0)  # degrees
MOST_SHIFT = 8  # pixels of 32
BANDS = ((2.0, 8.0), (1.0, 5.0))  # pixels of 64: details between these sizes, the coarse first
JUDGED = (1.0, 3.0)  # pixels of 96
N_STEPS = 8
MOST_KEPT = 2048  # images whose details are kept
SKIP = 2  # of the pixels of 64, every second is compared
FEWEST_PIXELS = 0.4  # share of the images that must lie over one another
MOST_CHANGE = 0.45  # of scale, angle or shear
EDGE = 4  # pixels of 96 that blurring reaches over the edge
N_TILES = 6  # in each direction
LEAST_OF_TILE = 64  # pixels of a tile, of 256, that must lie inside
FEWEST_TILES = 3  # that tell anything: one edge in a corner is no picture
WEAK = 0.08  # share of the strongest tile's details, below which a tile tells nothing
NOISE, NOISE_AT_MOST = 3.0, 0.3  # grey levels that noise has, in few images more than that share
# likeness below which it is not looked at more closely: copies have 0.939, 0.875, 0.881 or more
SAME_PLACE, SAME_FITTED, SAME_COARSE = 0.91, 0.86, 0.88


class Placement(NamedTuple):
    """Point x of one image is point ``matrix @ x + shift`` of another, from the middle.

    The shift is in pixels of 64.
    """

    matrix: np.ndarray
    shift: np.ndarray


class Details:
    """What grey images (n, 96, 96), 0 to 255, show between two sizes, at three sides.

    The ``coarse`` side is kept for all, and made where it is not given; the others are made when
    they are asked for, and the last kept.
    """

    def __init__(self, grey: np.ndarray, coarse: np.ndarray | None = None) -> None:
        self._grey = grey
        self.coarse = _coarse(grey) if coarse is None else coarse
        self.middle = lru_cache(MOST_KEPT)(self._middle)
        self.fine = lru_cache(MOST_KEPT)(self._fine)

    def _middle(self, row: int) -> tuple[np.ndarray, ...]:
        (small,) = shrunk(self._grey[row : row + 1], MIDDLE)
        return tuple(_band(small, *band) for band in BANDS)

    def _fine(self, row: int) -> np.ndarray:
        return _band(self._grey[row].astype(np.float32), *JUDGED)


def oriented(images: np.ndarray, orientation: int) -> np.ndarray:
    """Turn images (..., side, side) by 90 degrees, mirrored first from orientation 4 on."""
    if orientation >= 4:
        images = images[..., ::-1]
    turned: np.ndarray = np.rot90(images, orientation % 4, axes=(-2, -1))
    return turned


def undone(orientation: int) -> int:
    """Return the orientation that takes one back; a mirrored one takes itself back."""
    return -orientation % 4 if orientation < 4 else orientation


def shrunk(grey: np.ndarray, side: int) -> np.ndarray:
    """Return grey images (n, s, s) at another side, (n, side, side) float32, by areas."""
    weights = _areas(grey.shape[-1], side)
    small = np.empty((len(grey), side, side), np.float32)
    for at in range(0, len(grey), CHUNK):
        small[at : at + CHUNK] = weights @ grey[at : at + CHUNK].astype(np.float32) @ weights.T
    return small


def likeness(
    details: Details, first: int, second: int, orientation: int, spectra: np.ndarray
) -> float:
    """Return how alike two images are where they lie over one another, -1 to 1.

    The second is turned into ``orientation`` first. ``spectra`` are those of the first image. What
    is told early to be another picture counts 0.
    """
    placed = _found(spectra, oriented(details.coarse[second], orientation))
    if placed is None:
        return 0.0
    for ours, theirs in zip(details.middle(first), details.middle(second), strict=True):
        turned = oriented(theirs, orientation)
        placed = _refined(ours, turned, placed)
        if placed is None or _correlation(ours, turned, placed) < SAME_COARSE:
            return 0.0
    return _in_tiles(details.fine(first), oriented(details.fine(second), orientation), placed)


def spectra_of(coarse: np.ndarray) -> np.ndarray:
    """Return the spectra of an image (32, 32) at all scales and angles, (n, 32, 17) complex."""
    centre = np.full(2, (COARSE - 1) / 2)
    changed = [
        affine_transform(coarse, matrix, centre - matrix @ centre, order=1, mode="nearest")
        for matrix in MATRICES
    ]
    spectra: np.ndarray = fft.rfft2(_unit(np.stack(changed) * WINDOW)).astype(np.complex64)
    return spectra


def _found(spectra: np.ndarray, other: np.ndarray) -> Placement | None:
    """Find the scale, angle and shift at which coarse images are most alike."""
    spectrum = fft.rfft2(_unit(other * WINDOW))
    alike = fft.irfft2(spectra * np.conj(spectrum), s=(COARSE, COARSE))
    alike += TOO_FAR
    best = int(alike.argmax())
    if alike.flat[best] < SAME_PLACE:
        return None
    number, place = divmod(best, COARSE * COARSE)
    shift = np.array(divmod(place, COARSE), float)
    shift[shift > COARSE / 2] -= COARSE
    return Placement(np.linalg.inv(MATRICES[number]), -shift * MIDDLE / COARSE)


def _refined(first: np.ndarray, second: np.ndarray, placed: Placement) -> Placement | None:
    """Improve a placement by steps of least squares; None where the images part.

    Brightness and contrast are free: Lucas and Kanade's method with an affine map, Baker and
    Matthews, "Lucas-Kanade 20 Years On", IJCV 56 (2004).
    """
    slopes, values = np.gradient(second), first[::SKIP, ::SKIP].ravel()
    matrix, shift = placed
    for _ in range(N_STEPS):
        inside, points = _overlap(matrix, shift, MIDDLE, 1.0)
        if inside.mean() < FEWEST_PIXELS:
            return None
        grid = GRIDS[MIDDLE][:, inside]
        value, down, right = (map_coordinates(each, points, order=1) for each in (second, *slopes))
        columns = [grid[0] * down, grid[1] * down, grid[0] * right, grid[1] * right]
        columns += [down, right, value, np.ones_like(value)]
        known = np.stack(columns)
        squares = known @ known.T
        diagonal = np.diag_indices(len(squares))
        squares[diagonal] = squares[diagonal] * (1 + 1e-4) + 1e-6  # stripes have a slope of 0
        solved = np.linalg.solve(squares, known @ values[inside])
        contrast = solved[6]
        if contrast <= 1e-3 or _alike(solved @ known, values[inside]) < SAME_FITTED:
            return None
        step = solved[:6] / contrast
        matrix, shift = matrix + step[:4].reshape(2, 2), shift + step[4:]
        if np.abs(matrix - np.eye(2)).max() > MOST_CHANGE:
            return None
        if max(np.abs(step[:4]).max() * MIDDLE / 2, np.abs(step[4:]).max()) < 0.02:  # pixels
            break
    return Placement(matrix, shift)


def _correlation(first: np.ndarray, second: np.ndarray, placed: Placement) -> float:
    """Return how alike two images are where they lie over one another, -1 to 1."""
    inside, points = _overlap(placed.matrix, placed.shift, len(first), 0)
    if inside.mean() < FEWEST_PIXELS:
        return 0.0
    return _alike(first[::SKIP, ::SKIP].ravel()[inside], map_coordinates(second, points, order=1))


def _alike(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the correlation of two rows of pixels, -1 to 1."""
    ours, theirs = ours - ours.mean(), theirs - theirs.mean()
    return float(ours @ theirs / (np.sqrt((ours @ ours) * (theirs @ theirs)) + 1e-6))


def _in_tiles(first: np.ndarray, second: np.ndarray, placed: Placement) -> float:
    """Return how alike fine details are in the median of the tiles that have any, -1 to 1.

    One strong edge that two pictures share, such as that of a nucleus, is in few of the tiles.
    """
    shift = placed.shift * FINE / MIDDLE
    inside, points = _overlap(placed.matrix, shift, FINE, EDGE)
    if inside.mean() < FEWEST_PIXELS:
        return 0.0
    ours, theirs = first.ravel()[inside], map_coordinates(second, points, order=3)
    theirs = theirs * np.sqrt((ours @ ours) / (theirs @ theirs + 1e-6))
    tiles = TILE_OF[inside]
    shared = np.bincount(tiles, ours * theirs, N_TILES**2)
    strength = np.bincount(tiles, (ours**2 + theirs**2) / 2, N_TILES**2)
    n_pixels = np.bincount(tiles, minlength=N_TILES**2)
    spread = np.sqrt(strength / np.maximum(n_pixels, 1))
    strongest = spread.max()
    weak = max(WEAK * strongest, min(NOISE, NOISE_AT_MOST * strongest))
    telling = (n_pixels > LEAST_OF_TILE) & (spread > weak)
    if telling.sum() < FEWEST_TILES:
        return 0.0
    return float(np.median(shared[telling] / strength[telling]))


def _overlap(
    matrix: np.ndarray, shift: np.ndarray, side: int, edge: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return which pixels lie inside of both images, and where in the second these are."""
    grid, half = GRIDS[side], (side - 1) / 2
    places = matrix @ grid + shift[:, None]
    inside = (np.abs(places) <= half - edge).all(axis=0) & (np.abs(grid) <= half - edge).all(axis=0)
    return inside, places[:, inside] + half


def _coarse(grey: np.ndarray) -> np.ndarray:
    small = [shrunk(grey[at : at + CHUNK], COARSE) for at in range(0, len(grey), CHUNK)]
    return np.concatenate([_band(chunk, 0.7, 4.0) for chunk in small])


def _band(grey: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return details of grey images (..., side, side) between two sizes."""
    fine, coarse = (gaussian_filter(grey, size, axes=(-2, -1)) for size in (low, high))
    details: np.ndarray = fine - coarse
    return details


def _unit(images: np.ndarray) -> np.ndarray:
    centred = images - images.mean(axis=(-2, -1), keepdims=True)
    lengths = np.sqrt((centred**2).sum(axis=(-2, -1), keepdims=True))
    unit: np.ndarray = centred / (lengths + 1e-6)
    return unit


def _areas(n: int, side: int) -> np.ndarray:
    """Return the share of each of ``n`` pixels in each of ``side``, (side, n) float32."""
    edges = np.linspace(0, n, side + 1)
    low = np.maximum(edges[:-1, None], np.arange(n))
    high = np.minimum(edges[1:, None], np.arange(1, n + 1))
    shares: np.ndarray = (np.maximum(high - low, 0) / (n / side)).astype(np.float32)
    return shares


def _grid(side: int, skip: int = 1) -> np.ndarray:
    """Return every ``skip``-th point of an image in each direction, from its middle, (2, n)."""
    steps = np.arange(0, side, skip) - (side - 1) / 2
    return np.stack(np.meshgrid(steps, steps, indexing="ij")).reshape(2, -1)


def _matrix(scale: float, angle: float) -> np.ndarray:
    turn = np.deg2rad(angle)
    return np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / scale


MATRICES = [_matrix(scale, angle) for scale in SCALES for angle in ANGLES]
GRIDS = {MIDDLE: _grid(MIDDLE, SKIP), FINE: _grid(FINE)}
WINDOW = np.sqrt(np.outer(*[np.hanning(COARSE + 2)[1:-1]] * 2)).astype(np.float32)
TILE_OF = np.kron(np.arange(N_TILES**2).reshape(N_TILES, -1), np.ones((16, 16), int)).ravel()
STEPS = np.minimum(np.arange(COARSE), COARSE - np.arange(COARSE)) <= MOST_SHIFT
TOO_FAR = np.where(np.outer(STEPS, STEPS), 0.0, -2.0).astype(np.float32)  # of a shift
