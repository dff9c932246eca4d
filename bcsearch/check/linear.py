"""What a linear head says of images that it was not trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bcsearch.training.linear import linear_probabilities
from bcsearch.training.task import Task

if TYPE_CHECKING:
    from bcsearch.data.folds import Folds


def out_of_fold(
    features: np.ndarray, labels: np.ndarray, folds: Folds, n_classes: int, seed: int = 0
) -> np.ndarray:
    """Return the probabilities of images by a head that was not trained on them.

    Args:
        features: shape (n_images, n_features).
        labels: shape (n_images,).
        folds: which images each head is trained on and predicts.
        n_classes: of the labels.
        seed: acts on the first weights and the order of the images.

    Returns:
        Shape (n_images, n_classes) float32; NaN for images of no fold's validation part.
    """
    task = Task(
        labels=labels,
        n_classes=n_classes,
        train_rows=[fold.train for fold in folds.folds],
        valid_rows=[fold.valid for fold in folds.folds],
    )
    found = linear_probabilities(features, task, seed)
    whole = np.full((len(labels), n_classes), np.nan, np.float32)
    for rows, predicted in zip(task.valid_rows, found, strict=True):
        whole[rows] = predicted
    return whole
