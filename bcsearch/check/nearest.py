"""Nearest rows by cosine, block by block, so that memory stays flat."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

BLOCK = 512  # rows that are compared with all others at a time
N_NEIGHBOURS = 5


class Neighbours(NamedTuple):
    """The nearest of each row, the nearest first: rows and cosines, both (n, k)."""

    rows: np.ndarray
    cosines: np.ndarray


def neighbours(rows: np.ndarray, others: np.ndarray, k: int) -> Neighbours:
    """Return the ``k`` nearest of ``others`` (m, d) to each of ``rows`` (n, d), of length 1."""
    k = min(k, len(others))
    found, cosines = [], []
    for start in range(0, len(rows), BLOCK):
        alike = rows[start : start + BLOCK] @ others.T
        near = np.argpartition(-alike, k - 1, axis=1)[:, :k]
        values = np.take_along_axis(alike, near, axis=1)
        order = np.argsort(-values, axis=1)
        found.append(np.take_along_axis(near, order, axis=1))
        cosines.append(np.take_along_axis(values, order, axis=1))
    return Neighbours(np.concatenate(found), np.concatenate(cosines))


def standardised(features: np.ndarray, as_in: np.ndarray | None = None) -> np.ndarray:
    """Return features (n, n_features) of mean 0 and spread 1, as rows of length 1, float32.

    Mean and spread are those of the features themselves, or of those that are given.
    """
    values = features.astype(np.float32)
    measured = values if as_in is None else as_in.astype(np.float32)
    spread = measured.std(axis=0)
    return unit_rows((values - measured.mean(axis=0)) / np.where(spread > 1e-4, spread, 1.0))


def unit_rows(images: np.ndarray) -> np.ndarray:
    """Return images or rows (n, ...) as rows of mean 0 and length 1, (n, n_values) float32."""
    rows = images.reshape(len(images), -1).astype(np.float32)
    rows = rows - rows.mean(axis=1, keepdims=True)
    unit: np.ndarray = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-6)
    return unit
