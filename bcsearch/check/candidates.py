"""Finds pairs of images that may show the same picture, by three ways of being near."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bcsearch.check.alignment import ORIENTATIONS, oriented, shrunk, undone
from bcsearch.check.nearest import BLOCK, standardised, unit_rows
from bcsearch.data.arrays import CHUNK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

THUMB, SPECTRUM = 12, 32  # pixels a side
FREQUENCIES = 7  # that a spectrum keeps, in each direction
UNLIKE_TURNS = (0, 1, 4, 5)  # turning by 180 degrees changes no strength
CROPPED = 0.18  # of the height and width, cut off of the second kind of thumbnail
NEAREST = 3  # others of an image, in each way


class Candidate(NamedTuple):
    """Image ``second`` in an orientation may be image ``first``; rows, the first one lower."""

    first: int
    second: int
    orientation: int


def candidates(
    grey: np.ndarray, features: np.ndarray | None, tell: Callable[[str, int, int], None]
) -> list[Candidate]:
    """Return pairs of grey images (n, 96, 96) that are near in one of three ways, in order.

    Small thumbnails in all eight orientations, also of what remains of an image cropped, find what
    is turned, mirrored or cropped; the strengths of frequencies, which do not change when an image
    is moved, what is moved; ``features`` (n, n_features) of a backbone what else is alike.
    ``tell`` hears how far it is.
    """
    thumbs = shrunk(grey, THUMB)
    cut = round(grey.shape[1] * CROPPED / 2)
    inner = shrunk(grey[:, cut:-cut, cut:-cut], THUMB)
    turned = [
        (turn, unit_rows(oriented(images, turn)))
        for images in (thumbs, inner)
        for turn in range(ORIENTATIONS)
    ]
    found = set(_nearest(unit_rows(thumbs), turned, tell))
    strengths = _strengths(shrunk(grey, SPECTRUM))
    turned = [(turn, unit_rows(oriented(strengths, turn))) for turn in UNLIKE_TURNS]
    for near in _nearest(unit_rows(strengths), turned, tell):
        found |= {near, near._replace(orientation=_half_turned(near.orientation))}
    if features is not None:
        known = standardised(features)
        found |= set(_nearest(known, [(0, known)], tell))
    return sorted(found)


def _nearest(
    rows: np.ndarray,
    others: Sequence[tuple[int, np.ndarray]],
    tell: Callable[[str, int, int], None],
) -> Iterable[Candidate]:
    """Yield the nearest few of each row, others given by their orientation."""
    n_near = min(NEAREST, len(rows) - 1)
    for start in range(0, len(rows), BLOCK):
        tell("looking for pictures that are alike", start, len(rows))
        block = np.arange(start, min(start + BLOCK, len(rows)))
        best = np.full(len(block) * len(rows), -1.0, np.float32).reshape(len(block), -1)
        turns = np.zeros(best.shape, np.int8)
        for orientation, keys in others:
            alike = rows[block] @ keys.T
            np.copyto(turns, orientation, where=alike > best)
            np.maximum(best, alike, out=best)
        best[np.arange(len(block)), block] = -2.0
        near = np.argpartition(-best, n_near - 1, axis=1)[:, :n_near]
        for row, seconds in zip(block.tolist(), near, strict=True):
            for second in seconds.tolist():
                orientation = int(turns[row - start, second])
                if row < second:
                    yield Candidate(row, second, orientation)
                else:
                    yield Candidate(second, row, undone(orientation))


def _half_turned(orientation: int) -> int:
    """Return the orientation that looks alike to strengths of frequencies: turned by 180."""
    return (orientation + 2) % 4 + orientation // 4 * 4


def _strengths(grey: np.ndarray) -> np.ndarray:
    """Return how strong each low frequency is in grey images (n, 32, 32), (n, 15, 15)."""
    return np.concatenate([_of_chunk(grey[at : at + CHUNK]) for at in range(0, len(grey), CHUNK)])


def _of_chunk(grey: np.ndarray) -> np.ndarray:
    ramp = np.hanning(SPECTRUM + 2)[1:-1]
    shaded = (grey - grey.mean(axis=(1, 2), keepdims=True)) * np.outer(ramp, ramp)
    middle, reach = SPECTRUM // 2, FREQUENCIES
    kept = slice(middle - reach, middle + reach + 1)
    strengths = np.abs(np.fft.fftshift(np.fft.fft2(shaded), axes=(1, 2)))[:, kept, kept]
    relative = strengths / (strengths.mean(axis=(1, 2), keepdims=True) + 1e-6)
    logs: np.ndarray = np.log1p(3 * relative).astype(np.float32)
    return logs
