"""Metrics by numpy: scikit-learn's check their inputs for longer than they compute."""

from __future__ import annotations

import numpy as np


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Count images by true (row) and predicted class (column), (n_classes, n_classes) int64."""
    cells = labels.astype(np.int64) * n_classes + predicted
    counts: np.ndarray = np.bincount(cells, minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes)


def accuracy(confusion: np.ndarray) -> float:
    """Return the share of images predicted right, 0 to 1."""
    return float(np.trace(confusion) / max(1, confusion.sum()))


def recalls(confusion: np.ndarray) -> np.ndarray:
    """Return for each class the share of its images predicted right.

    NaN for a class without images.
    """
    counts = confusion.sum(axis=1)
    unknown = np.full(len(counts), np.nan)
    shares: np.ndarray = np.divide(np.diag(confusion), counts, out=unknown, where=counts > 0)
    return shares


def balanced_accuracy(confusion: np.ndarray) -> float:
    """Return the mean recall over the classes that have images, 0 to 1."""
    return float(np.nanmean(recalls(confusion)))


def macro_f1(confusion: np.ndarray) -> float:
    """Return the mean F1 over the classes that have images or were predicted, 0 to 1."""
    both = confusion.sum(axis=0) + confusion.sum(axis=1)
    return float(np.mean(2 * np.diag(confusion)[both > 0] / both[both > 0]))


def negative_log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean logarithm of the probability of each image's class, at most 0.

    None counts below 1e-7.
    """
    of_class = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(np.mean(np.log(np.clip(of_class, 1e-7, 1.0))))
