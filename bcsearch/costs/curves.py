"""How long trials run before they end or are pruned, played on made-up learning curves. Imports numpy.

A curve is a quality that it rises to, with noise, in units of the spread of qualities between configurations. The
constants were fitted to the epochs of the trials of shipped sweeps on 4,188 real cells (``results/README.md``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bcsearch.config import Search, Training

MIN_TRIALS = 3  # of the median pruner: a median of fewer values is none
RISE, EPOCHS_TO_RISE = 2.2, 2.5  # how far below its quality a curve begins, and how fast it rises
SHAPES = 0.4  # standard deviation, between trials, of the logarithm of how far below a curve begins
NOISE = 0.1  # of one epoch's fold mean


class Race:
    """The trials of one made-up study: tells how many epochs each one runs."""

    def __init__(self, search: Search, training: Training, random: np.random.Generator) -> None:
        self._search, self._training, self._random = search, training, random
        self._completed: list[np.ndarray] = []  # of each completed trial its best score so far after each epoch

    def run(self, quality: float, staged_until: int = 0) -> tuple[int, bool]:
        """Run a trial whose last stage begins at epoch ``staged_until``; return its epochs, and if it was pruned."""
        bests = np.maximum.accumulate(self._curve(quality))
        last_rise = np.flatnonzero(np.diff(bests, prepend=-np.inf))
        for epoch, best in enumerate(bests):
            if self._is_pruned(epoch, best):
                return epoch + 1, True
            if epoch - max(staged_until, last_rise[last_rise <= epoch][-1]) >= self._training.patience:
                bests = bests[: epoch + 1]
                break
        self._completed.append(bests)
        return len(bests), False

    def _curve(self, quality: float) -> np.ndarray:
        epochs = np.arange(self._training.epochs)
        rise = RISE * np.exp(SHAPES * self._random.normal())
        noise = NOISE * self._random.normal(size=len(epochs))
        curve: np.ndarray = quality - rise * np.exp(-epochs / EPOCHS_TO_RISE) + noise
        return curve

    def _is_pruned(self, epoch: int, best: float) -> bool:
        """Do as the median pruner does."""
        search = self._search
        if search.pruner == "none" or epoch < search.pruner_epochs or len(self._completed) < search.pruner_trials:
            return False
        there = [bests[epoch] for bests in self._completed if len(bests) > epoch]
        return len(there) >= MIN_TRIALS and best < float(np.median(there))
