"""A linear head on frozen features, trained side by side on all folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bcsearch.recipe import Params
from bcsearch.training.batches import Batches
from bcsearch.training.heads import HeadTrainer, load_features
from bcsearch.training.task import Task

if TYPE_CHECKING:
    from bcsearch.data.folds import Folds

LINEAR = Params(head_layers=0)
N_STEPS = 300  # batches that it learns from, or a few more to end an epoch


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
    trainer = HeadTrainer(load_features([features], task), task, LINEAR, seed)
    n_epochs = -(-N_STEPS // Batches.of(task, LINEAR, seed).n_steps)
    for epoch in range(n_epochs):
        trainer.train_epoch(epoch, LINEAR.learning_rate)
    whole = np.full((len(labels), n_classes), np.nan, np.float32)
    for rows, predicted in zip(task.valid_rows, trainer.predict(), strict=True):
        whole[rows] = predicted
    return whole
