"""Hears every epoch of a trial: reports the best fold mean so far, asks whether to stop. Imports optuna, records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.records.events import EpochEnded, Listener

if TYPE_CHECKING:
    from collections.abc import Iterable

    import optuna

    from bcsearch.objective.protocol import StopAsked
    from bcsearch.records import EpochScores


class Watch:
    """What training reports to, in one trial; a trial that was released has reports of its own already."""

    def __init__(self, trial: optuna.Trial, listener: Listener, stop_asked: StopAsked) -> None:
        self._trial, self._listener, self._ask = trial, listener, stop_asked
        self._reported = set(
            trial._cached_frozen_trial.intermediate_values
        )  # as it was when this attempt began
        self._last_reported = max(self._reported, default=-1)
        self._best = float("-inf")
        self.pruned = self.stop_asked = False

    def __call__(self, epoch: int, score: float) -> bool:
        """Take the fold mean of an epoch; True means stop."""
        self._take(epoch, score)
        judged = (
            epoch >= self._last_reported
        )  # the pruner looks at the last report only, and has let earlier ones pass
        self.pruned = judged and self._trial.should_prune()
        self.stop_asked = not self.pruned and self._ask()
        return self.stop_asked or self.pruned

    def catch_up(self, epochs: Iterable[EpochScores]) -> None:
        """Take epochs that an earlier attempt trained: the pruner has let them pass."""
        for scores in epochs:
            self._take(scores.epoch, scores.mean)

    def _take(self, epoch: int, score: float) -> None:
        self._best = max(self._best, score)
        if epoch not in self._reported:
            self._trial.report(self._best, epoch)
        self._listener(
            EpochEnded(number=self._trial.number, epoch=epoch, score=score, best=self._best)
        )
