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


def linear_probabilities(
    features: np.ndarray, task: Task, seed: int, check: Check = nothing
) -> Sequence[np.ndarray]:
    """Train a head on each fold of ``features`` (n_images, n_features) and predict its other rows.

    Return for each fold the probabilities of its validation rows, (n_rows, n_classes). ``check`` is
    called before each epoch.
    """
    trainer = HeadTrainer(load_features([features], task), task, LINEAR, seed)
    n_epochs = -(-N_STEPS // Batches.of(task, LINEAR, seed).n_steps)
    for epoch in range(n_epochs):
        trainer.train_epoch(epoch, LINEAR.learning_rate, check)
    return trainer.predict()
