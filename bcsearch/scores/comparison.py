"""Compares models by what they predict of the same images, none of which they were trained on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.records.ending import Gain
from bcsearch.training.protocol import shifts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.training.protocol import Evaluator

    Predicted = Sequence[np.ndarray]  # by repeat, (n_views, n_images, n_classes)

LEAST_PARTS = 3  # of which a standard deviation says something
PARTS = 5  # that a fold is divided into where there are fewer
RESAMPLES = 500  # of the images: a chance is known to 2 points


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Images that several models were validated on, once in each repeat.

    Attributes:
        scores: the one that ranks first.
        labels: shape (n_images,).
        folds: by repeat and fold, the rows that were validated.
        groups: shape (n_images,), images that belong together; None: each is alone.
    """

    scores: Sequence[Evaluator]
    labels: np.ndarray
    folds: Sequence[Sequence[np.ndarray]]
    groups: np.ndarray | None = None

    def score(self, predicted: Predicted) -> dict[str, tuple[float, ...]]:
        """Return every score in each fold of each repeat.

        Args:
            predicted: of each repeat the probabilities (n_views, n_images, n_classes), the views in
                the order of ``shifts_of`` the scores.
        """
        return {
            each.name: tuple(
                self._scored(each, seen, rows)
                for seen, folds in zip(predicted, self.folds, strict=True)
                for rows in folds
            )
            for each in self.scores
        }

    def gain(self, name: str, ours: Predicted, theirs: Predicted) -> Gain:
        """Return by how much the first score of ``ours`` is above that of ``theirs``.

        The noise is the standard deviation over folds, or over parts of them where they are few.
        """
        changes = [
            self._scored(self.scores[0], mine, rows) - self._scored(self.scores[0], other, rows)
            for mine, other, parts in zip(ours, theirs, self._parts, strict=True)
            for rows in parts
        ]
        return Gain.of(name, changes)

    def chance(self, ours: Predicted, theirs: Predicted) -> float:
        """Return how likely ``ours`` is better than ``theirs`` by the first score, 0 to 1.

        A paired bootstrap: images are drawn again with replacement, those of one group together;
        what counts is the mean over repeats. After Efron, "Bootstrap methods: another look at the
        jackknife" (1979).
        """
        random = np.random.default_rng(0)
        wins = 0.0
        for _ in range(RESAMPLES):
            drawn = random.integers(len(self._units), size=len(self._units))
            rows = np.concatenate([self._units[number] for number in drawn])
            change = 0.0
            for mine, other, folds in zip(ours, theirs, self.folds, strict=True):
                seen = rows[np.isin(rows, np.concatenate(folds))]
                if len(seen):
                    change += self._scored(self.scores[0], mine, seen)
                    change -= self._scored(self.scores[0], other, seen)
            wins += 1.0 if change > 0 else 0.5 * (change == 0)
        return wins / RESAMPLES

    def _scored(self, score: Evaluator, seen: np.ndarray, rows: np.ndarray) -> float:
        known = shifts_of(self.scores)
        views = [seen[known.index(shift)][rows] for shift in score.shifts]
        return score(self.labels[rows], views, rows)

    @cached_property
    def _parts(self) -> list[list[np.ndarray]]:
        """The folds of each repeat, each in several parts where there are too few."""
        if sum(map(len, self.folds)) >= LEAST_PARTS:
            return [list(folds) for folds in self.folds]
        random = np.random.default_rng(0)
        return [
            [part for rows in folds for part in np.array_split(random.permutation(rows), PARTS)]
            for folds in self.folds
        ]

    @cached_property
    def _units(self) -> list[np.ndarray]:
        """The rows of each group, or of each image, that a repeat has validated."""
        rows = np.unique(np.concatenate([rows for folds in self.folds for rows in folds]))
        if self.groups is None:
            return [rows[place : place + 1] for place in range(len(rows))]
        order = np.argsort(self.groups[rows], kind="stable")
        _, firsts = np.unique(self.groups[rows][order], return_index=True)
        return np.split(rows[order], firsts[1:])
