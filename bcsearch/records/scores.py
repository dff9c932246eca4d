"""What training says of a trial: the scores of every fold after every epoch. Imports numpy for types only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochScores:
    """Scores of all folds after one epoch, counted from zero; higher is better."""

    epoch: int
    fold_scores: tuple[float, ...]
    train_loss: float
    learning_rate: float

    @property
    def mean(self) -> float:
        """The mean over folds: what is reported to Optuna."""
        return sum(self.fold_scores) / len(self.fold_scores)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainResult:
    """A finished training of all folds of one trial.

    ``epochs`` holds every epoch run. ``probabilities`` has shape (n_images, n_classes), float16: out-of-fold, at
    the best epoch; rows never validated are not a number; None where they are not kept.
    """

    epochs: tuple[EpochScores, ...]
    stopped: bool
    probabilities: np.ndarray | None = None
    seconds: float = 0.0

    @property
    def best(self) -> EpochScores:
        """The epoch with the highest fold mean, the earliest on a tie."""
        return best_epoch(self.epochs)


def best_epoch(epochs: tuple[EpochScores, ...]) -> EpochScores:
    """Return the epoch with the highest fold mean, the earliest on a tie. Raises ValueError when empty."""
    return max(epochs, key=lambda scores: (scores.mean, -scores.epoch))
