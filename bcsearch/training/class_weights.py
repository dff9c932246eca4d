"""How much each class counts in the loss. Imports numpy only."""

from __future__ import annotations

import numpy as np


def class_weights(kind: str, labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Return one weight a class, (n_classes,) float32.

    ``balanced`` weighs a class by n_images / (n_classes * images of the class), so that all classes count alike and
    the mean weight over images is 1; a class without images weighs 0. ``none`` gives ones.
    """
    if kind == "none":
        return np.ones(n_classes, np.float32)
    counts = np.bincount(labels, minlength=n_classes)
    return np.where(counts > 0, len(labels) / (n_classes * np.maximum(counts, 1)), 0.0).astype(
        np.float32
    )
