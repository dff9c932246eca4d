"""Stains: which colours a set of images is dyed with, and the same images dyed a little otherwise.

A stain absorbs a fixed mixture of light, so the negative logarithm of brightness, the optical
density, is a sum of stain vectors times their concentrations: Ruifrok and Johnston (2001),
Quantification of histochemical staining by color deconvolution. The two vectors of an image are
found as the ends of the cloud of its densities: Macenko and others (2009), A method for normalizing
histology slides for quantitative analysis. Vectors and concentrations are drawn around those of the
data, by their spread from image to image: Shen and others (2022), RandStainNA.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bcsearch.views.view import Setting

GIEMSA = (0.834, 0.513, 0.196, 0.093, 0.954, 0.283)  # methylene blue, then eosin
STAINS: Mapping[str, Setting] = {  # of blood films, where no images say more
    "stain_vectors": GIEMSA,
    "stain_spread": (0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.2, 0.2),
}
MOST_PIXELS = 2000  # of an image, that are looked at
LEAST_DENSITY = 0.15  # of a pixel that counts as stained
LEAST_PIXELS = 50  # that are stained
LEAST_ANGLE = 0.1  # between two stains, in radians
LEAST_SPREAD = (0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.1, 0.1)  # of images that are all alike
WIDENED = 3.0  # times the spread of the data: how far amount 1 may move


def fit_stains(chunks: Iterable[np.ndarray]) -> dict[str, Setting]:
    """Return the two mean stain vectors of images, chunks (n, height, width, 3) uint8, and spread.

    ``stain_vectors`` are six numbers, a unit vector after the other. ``stain_spread`` are standard
    deviations from image to image: of these six, then of the logarithm of the strongest
    concentration of either stain. Where no image shows two stains, they are those of ``STAINS``.
    """
    looked_at = [_stains_of(np.asarray(image)) for chunk in chunks for image in chunk]
    found = np.array([each for each in looked_at if each is not None])
    if not len(found):
        return dict(STAINS)
    vectors = _unit(found[:, :6].mean(axis=0).reshape(2, 3))
    spread = np.maximum(found.std(axis=0), LEAST_SPREAD)
    return {
        "stain_vectors": tuple(vectors.ravel().round(4).tolist()),
        "stain_spread": tuple(spread.round(4).tolist()),
    }


def restain(
    image: np.ndarray,
    amount: float,
    random: np.random.Generator,
    stains: Mapping[str, Setting] = STAINS,
) -> np.ndarray:
    """Dye with other stains and more or less of each: an effect, see ``bcsearch.views.effects``."""
    vectors = _unit(np.reshape(stains["stain_vectors"], (2, 3)))
    moved = amount * WIDENED * random.uniform(-1, 1, 8) * np.array(stains["stain_spread"])
    others = _unit(np.maximum(vectors + moved[:6].reshape(2, 3), 0.01))
    others *= np.exp(moved[6:, None])
    rest = _unit(np.cross(*vectors)[None])  # what is of neither stain stays
    before, after = np.concatenate([vectors, rest]), np.concatenate([others, rest])
    change = (np.linalg.inv(before) @ after).astype(np.float32)
    ground = _ground_of(image)
    changed: np.ndarray = ground * np.exp(-(_densities(image, ground) @ change))
    return changed


def _ground_of(image: np.ndarray) -> np.ndarray:
    """Return the colour (3,) of light that no stain dims: nearly the brightest of each channel."""
    pixels = image.reshape(-1, 3)
    place = len(pixels) * 99 // 100
    brightest: np.ndarray = np.maximum(np.partition(pixels, place, axis=0)[place], 1)
    return brightest


def _densities(image: np.ndarray, ground: np.ndarray) -> np.ndarray:
    densities: np.ndarray = -np.log(np.maximum(image, 1) / ground)
    return densities


def _stains_of(image: np.ndarray) -> np.ndarray | None:
    """Return both vectors, then the logarithms of their strongest concentrations.

    None where there are no two stains.
    """
    image = image.astype(np.float32)
    pixels = image.reshape(-1, 3)[:: -(-image.size // 3 // MOST_PIXELS)]
    densities = _densities(pixels, _ground_of(image))
    densities = densities[np.linalg.norm(densities, axis=1) > LEAST_DENSITY]
    if len(densities) < LEAST_PIXELS:
        return None
    _, directions = np.linalg.eigh(densities.T @ densities)
    plane = directions[:, [2, 1]]  # the two main directions, the first of all signs alike
    plane[:, 0] *= np.sign(plane[:, 0].sum())
    along = densities @ plane
    angles = np.quantile(np.arctan2(along[:, 1], along[:, 0]), (0.01, 0.99))
    if angles[1] - angles[0] < LEAST_ANGLE:
        return None
    ends = np.stack([np.cos(angles), np.sin(angles)], axis=1) @ plane.T
    ends = _unit(np.maximum(ends, 0.01))
    ends = ends[np.argsort(ends[:, 1])]  # the one that absorbs less green first, as in GIEMSA
    amounts = np.quantile(densities @ np.linalg.pinv(ends), 0.99, axis=0)
    return np.concatenate([ends.ravel(), np.log(np.maximum(amounts, 0.01))])


def _unit(vectors: np.ndarray) -> np.ndarray:
    units: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return units
