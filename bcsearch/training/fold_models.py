"""The fold models of one configuration, trained again to compare ways to end a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from bcsearch.views.table import get_operation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import keras

    from bcsearch.training.fold_weights import FoldWeights
    from bcsearch.training.protocol import Check
    from bcsearch.training.staged import StagedTrainer
    from bcsearch.views.view import Applied

State = dict[str, np.ndarray]
BATCH = 64  # images in one pass
AVERAGED_SHARE = 4  # the last quarter of the epochs is averaged


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoldModels:
    """Trained folds, with the weights of their last epoch and with averaged ones.

    Attributes:
        averaged: how many last epochs are averaged; 1 where there are too few for a mean.
        last, mean: the states of the trainer.
        shifts: what clean and shifted images went through, as trainers count them.
        build: makes a Keras model of one fold from images to probabilities.
    """

    trainer: StagedTrainer
    averaged: int
    last: State
    mean: State
    shifts: Sequence[tuple[Applied, ...]]
    build: Callable[[FoldWeights], keras.Model]

    def predict(
        self, shifts: Sequence[tuple[Applied, ...]], *, averaged: bool = False
    ) -> list[Sequence[np.ndarray]]:
        """Return for each shift each fold's probabilities of its validation rows.

        These have the shape (n_valid, n_classes).
        """
        trainer = self._at(averaged=averaged)
        return [trainer.predict(self.shifts.index(shift)) for shift in shifts]

    def weights(self, *, averaged: bool) -> Sequence[FoldWeights]:
        """Return the weights of every fold."""
        return self._at(averaged=averaged).weights()

    def seen(
        self, weights: FoldWeights, images: np.ndarray, operations: Sequence[str]
    ) -> dict[str, np.ndarray]:
        """Return what a fold predicts of images and of what operations make of them.

        Args:
            weights: of the fold.
            images: (n, height, width, 3) uint8.
            operations: of kind ``tta``.

        Returns:
            Probabilities (n, n_classes), by operation; those of the images themselves by ``""``.
        """
        model = self.build(weights)
        forward = tf.function(lambda batch: model(batch, training=False), reduce_retracing=True)

        def probabilities(pixels: np.ndarray) -> np.ndarray:
            starts = range(0, len(pixels), BATCH)
            return np.concatenate([forward(pixels[at : at + BATCH]).numpy() for at in starts])

        found = {"": probabilities(images)}
        for name in operations:
            found[name] = probabilities(get_operation(name).run(images, {}, 0))
        return found

    def _at(self, *, averaged: bool) -> StagedTrainer:
        """Return the trainer with averaged weights, or those of the last epoch."""
        self.trainer.restore(self.mean if averaged else self.last)
        return self.trainer


def train_epochs(
    trainer: StagedTrainer, learning_rates: Sequence[float], averaged: int, check: Check
) -> State:
    """Train one epoch for each learning rate; return the mean state of the last ``averaged``.

    After Izmailov and others, "Averaging weights leads to wider optima" (2018), here with the
    learning rates as they are.
    """
    states: list[State] = []
    for epoch, rate in enumerate(learning_rates):
        trainer.train_epoch(epoch, rate, check)
        if averaged > 1 and epoch >= len(learning_rates) - averaged:
            states.append(trainer.state())
    if not states:
        return {}
    return {name: _mean([state[name] for state in states]) for name in states[-1]}


def epochs_to_average(n_epochs: int, last_begins: int) -> int:
    """Return how many last epochs are averaged: only such as train the same weights."""
    wanted = max(2, n_epochs // AVERAGED_SHARE)
    return max(1, min(wanted, n_epochs - last_begins))


def _mean(values: Sequence[np.ndarray]) -> np.ndarray:
    if not np.issubdtype(values[-1].dtype, np.floating):
        return values[-1]
    mean: np.ndarray = np.mean(values, axis=0, dtype=np.float64).astype(values[-1].dtype)
    return mean
