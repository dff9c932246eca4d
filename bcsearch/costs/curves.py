"""How long trials run before they end or are pruned, played on made-up learning curves. Imports numpy.

A curve is a quality that it rises to, with noise, in units of the spread of qualities between configurations. Each
stage of unfreezing has a quality of its own, so a trial that begins with its head is judged by its head at first. The
constants were fitted to trials on frozen features of 4,188 real cells (``results/README.md``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.config import Search, Training

MIN_TRIALS = 3  # of the median pruner: a median of fewer values is none
RISE, EPOCHS_TO_RISE = 2.2, 2.5  # how far below its quality a curve begins, and how fast it rises
SHAPES = 0.4  # standard deviation, between trials, of the logarithm of how far below a curve begins
NOISE = 0.1  # of one epoch's fold mean


class Race:
    """The trials of one made-up study: tells how many epochs each one runs."""

    def __init__(self, search: Search, training: Training, random: np.random.Generator) -> None:
        self._search, self._training, self._random = search, training, random
        self._completed: list[
            np.ndarray
        ] = []  # of each completed trial its best score so far after each epoch

    def run(self, targets: Mapping[int, float], most_epochs: int | None = None) -> tuple[int, bool]:
        """Run a trial; return how many epochs it begins, and if it completes.

        ``targets`` are the qualities that its stages rise to, by the epoch at which each begins. There is time for
        ``most_epochs``: in the next one the trial is infeasible.
        """
        bests = np.maximum.accumulate(self._curve(targets))
        last_rise = np.flatnonzero(np.diff(bests, prepend=-np.inf))
        for epoch, best in enumerate(bests):
            if epoch == most_epochs or self._is_pruned(epoch, best):
                return epoch + 1, False
            if epoch - max(*targets, last_rise[last_rise <= epoch][-1]) >= self._training.patience:
                bests = bests[: epoch + 1]
                break
        self._completed.append(bests)
        return len(bests), True

    def _curve(self, targets: Mapping[int, float]) -> np.ndarray:
        epochs = np.arange(self._training.epochs)
        begins, qualities = list(targets), list(targets.values())
        level = np.full(len(epochs), qualities[0])
        level -= RISE * np.exp(SHAPES * self._random.normal()) * _left(epochs)
        for begin, before, after in zip(begins[1:], qualities, qualities[1:], strict=False):
            level += (after - before) * (1 - _left(np.maximum(epochs - begin + 1, 0)))
        curve: np.ndarray = level + NOISE * self._random.normal(size=len(epochs))
        return curve

    def _is_pruned(self, epoch: int, best: float) -> bool:
        """Do as the median pruner does."""
        search = self._search
        if (
            search.pruner == "none"
            or epoch < search.pruner_epochs
            or len(self._completed) < search.pruner_trials
        ):
            return False
        there = [bests[epoch] for bests in self._completed if len(bests) > epoch]
        return len(there) >= MIN_TRIALS and best < float(np.median(there))


def _left(epochs: np.ndarray) -> np.ndarray:
    """Return the share of a rise that is still to come after so many epochs."""
    left: np.ndarray = np.exp(-epochs / EPOCHS_TO_RISE)
    return left
