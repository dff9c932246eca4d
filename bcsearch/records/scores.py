"""Scores of every fold after every epoch of a trial, by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochScores:
    """Scores of all folds after one epoch, counted from zero; higher is better.

    Attributes:
        score: the name of the score that trials are ranked by.
        scores: one value a fold, by the name of the score.
    """

    epoch: int
    score: str
    scores: Mapping[str, tuple[float, ...]]
    train_loss: float
    learning_rate: float

    @property
    def fold_scores(self) -> tuple[float, ...]:
        """The ranking score of every fold."""
        return self.scores[self.score]

    @property
    def mean(self) -> float:
        """The mean of the ranking score over folds: what is reported to Optuna."""
        return self.mean_of(self.score)

    @property
    def means(self) -> dict[str, float]:
        """The means of all scores over folds, by name."""
        return {name: self.mean_of(name) for name in self.scores}

    def mean_of(self, name: str) -> float:
        """Return the mean of a score over folds."""
        folds = self.scores[name]
        return sum(folds) / len(folds)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainResult:
    """A finished training of all folds of one trial.

    ``epochs`` holds every epoch run. ``probabilities`` has shape (n_images, n_classes), float16:
    out-of-fold, at the best epoch; rows never validated are NaN; None where they are no longer
    kept.
    """

    epochs: tuple[EpochScores, ...]
    stopped: bool
    probabilities: np.ndarray | None = None
    seconds: float = 0.0

    @property
    def best(self) -> EpochScores:
        """The epoch with the highest fold mean, the earliest on a tie."""
        return best_epoch(self.epochs)


def joined(
    earlier: Sequence[EpochScores], n_earlier: int, own: Sequence[EpochScores]
) -> tuple[EpochScores, ...]:
    """Join a training with the means of ``n_earlier`` others of the same configuration.

    The scores of every fold are averaged, over the epochs that all have.
    """
    share = 1 / (n_earlier + 1)

    def mean_of(name: str, old: EpochScores, new: EpochScores) -> tuple[float, ...]:
        folds = zip(old.scores[name], new.scores[name], strict=True)
        return tuple((1 - share) * before + share * now for before, now in folds)

    return tuple(
        replace(new, scores={name: mean_of(name, old, new) for name in new.scores})
        for old, new in zip(earlier, own, strict=False)
    )


def best_epoch(epochs: Sequence[EpochScores]) -> EpochScores:
    """Return the epoch with the highest fold mean, the earliest on a tie.

    Raises ValueError when empty.
    """
    return max(epochs, key=lambda scores: (scores.mean, -scores.epoch))
