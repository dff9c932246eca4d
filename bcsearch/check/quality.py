"""Finds images that show nothing: blank, saturated, or blurred beyond the set's own spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import laplace

from bcsearch.check.found import Found, to_review
from bcsearch.data.arrays import CHUNK

if TYPE_CHECKING:
    from bcsearch.check.looked import Looked

LEAST_SPREAD = 2.0  # grey levels, of an image that shows anything
MOST_SATURATED = 0.3  # share of pixels beyond that of most images
DARKEST, BRIGHTEST = 2, 253  # of 255, in all three channels
FAR = 4.0  # spreads of the set
MAD = 1.4826  # the median distance from the median, times this, is a normal set's deviation


def blank(looked: Looked) -> Found:
    """Find images of one colour."""
    spreads = np.concatenate(
        [looked.grey[at : at + CHUNK].std(axis=(1, 2)) for at in _starts(looked)]
    )
    rows = np.flatnonzero(looked.kept & (spreads < LEAST_SPREAD)).tolist()
    evidence = {row: f"its grey values differ by {spreads[row]:.1f} of 255" for row in rows}
    return Found(findings=to_review("blank", evidence))


def saturated(looked: Looked) -> Found:
    """Find images of which far more is black or white than of the others."""
    images = looked.dataset.images
    shares = np.concatenate([_saturated(images[at : at + CHUNK]) for at in _starts(looked)])
    usual = float(np.median(shares[looked.kept]))
    rows = np.flatnonzero(looked.kept & (shares > usual + MOST_SATURATED)).tolist()
    evidence = {
        row: f"{shares[row]:.0%} of it is black or white, of most images {usual:.0%}"
        for row in rows
    }
    return Found(findings=to_review("saturated", evidence))


def blurred(looked: Looked) -> Found:
    """Find images with far fewer fine details than the others of their class."""
    details = np.concatenate(
        [
            laplace(looked.grey[at : at + CHUNK].astype(np.float32), axes=(1, 2)).std(axis=(1, 2))
            for at in _starts(looked)
        ]
    )
    logs = np.log(details + 0.1)
    evidence: dict[int, str] = {}
    for label in range(looked.dataset.n_classes):
        mine = np.flatnonzero(looked.kept & (looked.dataset.labels == label))
        far = from_median(logs[mine])
        for row, distance in zip(mine[far < -FAR].tolist(), far[far < -FAR], strict=True):
            evidence[row] = f"details {-distance:.1f} deviations weaker than of its class"
    return Found(findings=to_review("blurred", evidence))


def from_median(values: np.ndarray) -> np.ndarray:
    """Return how many deviations values (n,) lie from their median; 0 where they hardly differ."""
    if not len(values):
        return values
    distances = values - np.median(values)
    spread = MAD * np.median(np.abs(distances))
    if spread < 1e-6:
        return np.zeros_like(values)
    far: np.ndarray = distances / spread
    return far


def _saturated(images: np.ndarray) -> np.ndarray:
    dark = (images <= DARKEST).all(axis=-1)
    bright = (images >= BRIGHTEST).all(axis=-1)
    shares: np.ndarray = (dark | bright).mean(axis=(1, 2))
    return shares


def _starts(looked: Looked) -> range:
    return range(0, looked.dataset.n_images, CHUNK)
