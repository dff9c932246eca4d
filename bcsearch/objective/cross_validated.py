"""The objective: one trial, scored by the mean over its folds, reported each epoch. Imports optuna and lower floors."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import optuna
from optuna.exceptions import StorageInternalError

from bcsearch.errors import BcsearchError
from bcsearch.objective.protocol import KeepFigure, no_figure
from bcsearch.objective.suggest import suggest_params
from bcsearch.records import EpochScores, Params, TrainResult, TrialState
from bcsearch.records.events import EpochEnded, Listener, TrialEnded, TrialReleased, TrialStarted
from bcsearch.storage import LedgerEntry

if TYPE_CHECKING:
    from bcsearch.config import Space
    from bcsearch.objective.artifacts import Artifacts
    from bcsearch.objective.protocol import StopAsked, Train
    from bcsearch.storage import Ledger, Storage


class Released(BaseException):
    """The running trial went back to waiting, because the user asked the run to end."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Objective:
    """Runs trials of one study: suggests, trains, reports, records. Sees no framework but Optuna."""

    space: Space
    train: Train
    ledger: Ledger
    artifacts: Artifacts
    storage: Storage
    listener: Listener
    stop_asked: StopAsked
    keep_figure: KeepFigure = no_figure

    def __call__(self, trial: optuna.Trial) -> float:
        """Run one trial and return the best fold mean, higher is better.

        Raises:
            optuna.TrialPruned: the pruner stopped it.
            Released: the user stopped the run; the trial waits again, with its number and parameters.
            BcsearchError, StorageInternalError: the disk or the database failed; the trial waits again too.
        """
        try:
            return self._run(trial)
        except KeyboardInterrupt:
            self._release(trial)
            raise Released from None
        except (BcsearchError, StorageInternalError):
            self._release(trial)
            raise

    def _run(self, trial: optuna.Trial) -> float:
        started = time.perf_counter()
        params = self.train.settle(suggest_params(trial, self.space))
        self.listener(TrialStarted(number=trial.number, params=params))
        watch = _Watch(trial, self.listener, self.stop_asked)
        twin = self._twin(params)
        result = self.train(params, watch) if twin is None else self._replay(twin, watch)
        if watch.stop_asked:
            raise KeyboardInterrupt
        return self._end(trial, params, result, started, twin)

    def _twin(self, params: Params) -> LedgerEntry | None:
        number = self.ledger.find_digest(params.digest())
        return None if number is None else self.ledger.entry_of(number)

    def _replay(self, twin: LedgerEntry, watch: _Watch) -> TrainResult:
        """Report what an equal configuration scored, instead of training it again."""
        told: list[EpochScores] = []
        for scores in twin.epochs:
            told.append(scores)
            if watch(scores.epoch, scores.mean):
                break
        return TrainResult(
            epochs=tuple(told),
            stopped=watch.pruned or twin.state is TrialState.PRUNED,
            probabilities=self.artifacts.probabilities(twin.trial_number),
        )

    def _release(self, trial: optuna.Trial) -> None:
        with suppress(StorageInternalError):  # a database that is gone: the heartbeat stops, and others take over
            self.storage.release(trial._trial_id)
            self.listener(TrialReleased(number=trial.number))

    def _end(
        self, trial: optuna.Trial, params: Params, result: TrainResult, started: float, twin: LedgerEntry | None
    ) -> float:
        if not result.stopped and result.probabilities is not None:
            self.artifacts.save_probabilities(trial.number, result.probabilities)
        entry = LedgerEntry(
            trial_number=trial.number,
            params=params,
            epochs=result.epochs,
            state=TrialState.PRUNED if result.stopped else TrialState.COMPLETE,
            train_seconds=result.seconds,
            total_seconds=time.perf_counter() - started,
            duplicate_of=None if twin is None else twin.trial_number,
        )
        self.keep_figure(trial, entry, result.probabilities)
        self.ledger.record(entry)
        self.listener(
            TrialEnded(
                number=trial.number,
                state=entry.state,
                score=result.best.mean,
                epochs=len(result.epochs),
                seconds=entry.total_seconds,
                train_seconds=entry.train_seconds,
            )
        )
        if result.stopped:
            raise optuna.TrialPruned
        return result.best.mean


class _Watch:
    """Hears each epoch of a trial: reports the best fold mean so far, asks whether to stop."""

    def __init__(self, trial: optuna.Trial, listener: Listener, stop_asked: StopAsked) -> None:
        self._trial, self._listener, self._ask = trial, listener, stop_asked
        self._reported = set(trial.study._storage.get_trial(trial._trial_id).intermediate_values)
        self._last_reported = max(self._reported, default=-1)
        self._best = float("-inf")
        self.pruned = self.stop_asked = False

    def __call__(self, epoch: int, score: float) -> bool:
        """Take the fold mean of an epoch; True means stop."""
        self._best = max(self._best, score)
        if epoch not in self._reported:  # a released trial starts anew and meets its own reports
            self._trial.report(self._best, epoch)
        self._listener(EpochEnded(number=self._trial.number, epoch=epoch, score=score, best=self._best))
        self.stop_asked = self._ask()
        judged = epoch >= self._last_reported  # the pruner looks at the last report only, and has let earlier ones pass
        self.pruned = judged and not self.stop_asked and self._trial.should_prune()
        return self.stop_asked or self.pruned
