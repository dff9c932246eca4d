"""One temperature that makes a model's probabilities true to how often it is right.

After Guo and others, "On Calibration of Modern Neural Networks" (2017).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar

from bcsearch.records.ending import Calibration
from bcsearch.scores.metrics import negative_log_loss

if TYPE_CHECKING:
    from collections.abc import Sequence

N_BINS = 15  # of confidence, from 0 to 1
HIGHEST = 10.0  # temperature; the lowest is one over it
LEAST = 1e-7  # probability: half precision has none below
N_PARTS = 5  # of a single fold


def calibrate(
    labels: np.ndarray, probabilities: np.ndarray, folds: Sequence[np.ndarray]
) -> Calibration:
    """Find the temperature of probabilities out of fold, and what it is worth.

    Errors are those of each fold at the temperature of the others; it is used only where their log
    loss is better so. A single fold is divided into five parts.

    Args:
        labels: shape (n_images,).
        probabilities: shape (n_images, n_classes); they count in the rows of the folds.
        folds: rows that each fold was validated on.
    """
    parts = folds
    if len(folds) == 1:
        parts = np.array_split(np.random.default_rng(0).permutation(folds[0]), N_PARTS)
    rows = np.concatenate(parts)
    before = np.asarray(probabilities, np.float64)
    after = before.copy()
    for number, part in enumerate(parts):
        others = np.concatenate([each for place, each in enumerate(parts) if place != number])
        after[part] = at_temperature(before[part], temperature_of(labels[others], before[others]))
    right, before, after = labels[rows], before[rows], after[rows]
    error = expected_calibration_error(right, before)
    if negative_log_loss(right, after) <= negative_log_loss(right, before):
        return Calibration(temperature=1.0, before=error, after=error)
    return Calibration(
        temperature=temperature_of(right, before),
        before=error,
        after=expected_calibration_error(right, after),
    )


def temperature_of(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the temperature with the best log loss of probabilities (n, n_classes)."""

    def loss(logarithm: float) -> float:
        return -negative_log_loss(labels, at_temperature(probabilities, float(np.exp(logarithm))))

    bound = np.log(HIGHEST)
    found = minimize_scalar(loss, bounds=(-bound, bound), method="bounded")
    return float(np.exp(found.x))


def at_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities (..., n_classes) as of logits over a temperature: above 1 less sure."""
    known = np.maximum(np.asarray(probabilities, np.float64), LEAST)
    logits = np.log(known) / temperature
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    found: np.ndarray = shares / shares.sum(axis=-1, keepdims=True)
    return found


def expected_calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return by how much confidence and accuracy differ, 0 to 1, the mean over images.

    Images are put into 15 bins of equal width by the probability of their likeliest class.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    gaps = np.bincount(bins, right - confidence, N_BINS)
    return float(np.abs(gaps).sum() / len(labels))
