"""A linear head on frozen features, trained side by side on all folds with fixed settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.recipe import Params
from bcsearch.training.batches import Batches
from bcsearch.training.heads import HeadTrainer, load_features
from bcsearch.training.protocol import Check, nothing

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from bcsearch.training.task import Task

LINEAR = Params(head_layers=0)
N_STEPS = 300  # batches that a head learns from, or a few more to end an epoch


def linear_epochs(task: Task, seed: int = 0) -> int:
    """Return how many epochs the head is trained for on the folds of a task."""
    return -(-N_STEPS // Batches.of(task, LINEAR, seed).n_steps)


def linear_probabilities(
    views: Sequence[np.ndarray], task: Task, seed: int, check: Check = nothing
) -> list[Sequence[np.ndarray]]:
    """Train a head on each fold's training rows and predict its validation rows.

    Args:
        views: features (n_images, n_features) of clean images, which are trained on, then of those
            that are only predicted.
        task: labels and rows.
        seed: acts on the first weights and the order of the images.
        check: is called before each epoch.

    Returns:
        For each view and fold the probabilities, (n_valid, n_classes).
    """
    trainer = HeadTrainer(load_features(views, task), task, LINEAR, seed)
    for epoch in range(linear_epochs(task, seed)):
        trainer.train_epoch(epoch, LINEAR.learning_rate, check)
    return [trainer.predict(number) for number in range(len(views))]
