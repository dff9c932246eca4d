"""Scores from a confusion matrix, all higher is better. Imports numpy only."""

from __future__ import annotations

import numpy as np


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Count images by true class (row) and predicted class (column), (n_classes, n_classes) int64."""
    cells = labels.astype(np.int64) * n_classes + predicted
    counts: np.ndarray = np.bincount(cells, minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes)


def accuracy(confusion: np.ndarray) -> float:
    """Return the share of images predicted right, 0 to 1."""
    return float(np.trace(confusion) / max(1, confusion.sum()))


def recalls(confusion: np.ndarray) -> np.ndarray:
    """Return for each class the share of its images predicted right; not a number for a class without images."""
    counts = confusion.sum(axis=1)
    shares: np.ndarray = np.divide(
        np.diag(confusion), counts, out=np.full(len(counts), np.nan), where=counts > 0
    )
    return shares


def balanced_accuracy(confusion: np.ndarray) -> float:
    """Return the mean recall over the classes that have images, 0 to 1."""
    return float(np.nanmean(recalls(confusion)))


def macro_f1(confusion: np.ndarray) -> float:
    """Return the mean F1 over the classes that have images or were predicted, 0 to 1."""
    both = confusion.sum(axis=0) + confusion.sum(axis=1)
    return float(np.mean(2 * np.diag(confusion)[both > 0] / both[both > 0]))


SCORES = {"accuracy": accuracy, "balanced_accuracy": balanced_accuracy, "macro_f1": macro_f1}


def score(kind: str, labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the score ``kind`` of probabilities (n, n_classes) against labels (n,); 0 where one is not a number."""
    if not np.isfinite(probabilities).all():
        return 0.0
    confusion = confusion_matrix(labels, probabilities.argmax(axis=1), probabilities.shape[1])
    return SCORES[kind](confusion)
