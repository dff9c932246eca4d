"""The table of class weights: how much each class counts in the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from bcsearch.training.task import Task


def _balanced(counts: np.ndarray) -> np.ndarray:
    """Let all classes count alike: n_images / (n_classes * images of the class)."""
    weights = counts.sum() / (len(counts) * np.maximum(counts, 1))
    return np.where(counts > 0, weights, 0.0)


# from the number of images of each class, (n_classes,), to weights whose mean over images is 1
CLASS_WEIGHTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "none": np.ones_like,
    "balanced": _balanced,
}


def fold_class_weights(kind: str, task: Task) -> np.ndarray:
    """Return the weights of each fold, (n_folds, n_classes) float32, by its training rows."""
    labels = (task.labels[rows] for rows in task.train_rows)
    return np.stack([class_weights(kind, fold, task.n_classes) for fold in labels])


def class_weights(kind: str, labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Return one weight a class, (n_classes,) float32, by the labels (n,) of the training rows."""
    counts = np.bincount(labels, minlength=n_classes)
    return CLASS_WEIGHTS[kind](counts).astype(np.float32)
