"""One attempt at one trial: drawn, trained or known already, kept. Imports optuna and lower floors."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import optuna

from bcsearch.errors import InfeasibleError
from bcsearch.objective.checkpoints import TrialCheckpoints
from bcsearch.objective.suggest import suggest_params
from bcsearch.objective.watch import Watch
from bcsearch.records import EpochScores, TrainResult, TrialState
from bcsearch.records.events import TrialEnded, TrialInfeasible, TrialStarted
from bcsearch.storage import LedgerEntry, attrs

if TYPE_CHECKING:
    from bcsearch.objective.cross_validated import Objective
    from bcsearch.storage import Ledger


class Attempt:
    """One trial of an objective, which may have been begun before: released, or lost with its worker."""

    def __init__(self, objective: Objective, trial: optuna.Trial) -> None:
        """Draw its parameters."""
        self._of, self._trial = objective, trial
        self._started = time.perf_counter()
        with objective.storage.params_together(trial._trial_id):
            self._params = suggest_params(trial, objective.space)
        self._history: list[int] = trial.user_attrs.get(attrs.RETRY_HISTORY, [])
        self._watch = Watch(trial, objective.listener, objective.stop_asked)

    def run(self) -> float:
        """Return the best fold mean.

        Raises:
            optuna.TrialPruned: the pruner stopped it.
            KeyboardInterrupt: the user wants the run to end.
            InfeasibleError, ConfigError: it cannot be trained.
        """
        self._params = self._of.train.settle(self._params)
        self._of.listener(TrialStarted(number=self._trial.number, params=self._params))
        twin = known(self._of.ledger, self._params.digest(), self._history)
        result = self._train() if twin is None else self._replay(twin)
        if self._watch.stop_asked:
            raise KeyboardInterrupt
        self._keep(result, twin)
        if result.stopped:
            raise optuna.TrialPruned
        return result.best.mean

    def give_up(self, reason: str) -> None:
        """Keep that this configuration cannot be trained, so that it and its like are not tried again."""
        self._trial.set_user_attr(attrs.NOTE, reason)
        self._of.ledger.record(self._entry(TrialState.INFEASIBLE))
        self._checkpoints.remove()
        self._collect()
        self._of.listener(TrialInfeasible(number=self._trial.number, reason=reason))

    def _train(self) -> TrainResult:
        if len(self._history) >= self._of.storage.max_retries:
            self._of.ledger.record(
                self._entry(TrialState.RUNNING)
            )  # of a last attempt the params stay, if it is lost
        return self._of.train(
            self._params, self._watch, self._checkpoints, self._of.limits.trial_seconds
        )

    def _replay(self, twin: LedgerEntry) -> TrainResult:
        """Report what an equal configuration scored, instead of training it again."""
        if twin.state is TrialState.INFEASIBLE:
            raise InfeasibleError(
                f"trial {twin.trial_number} of the same configuration could not be trained"
            )
        told: list[EpochScores] = []
        for scores in twin.epochs:
            told.append(scores)
            if self._watch(scores.epoch, scores.mean):
                break
        return TrainResult(
            epochs=tuple(told),
            stopped=self._watch.pruned or twin.state is TrialState.PRUNED,
            probabilities=self._of.artifacts.probabilities(twin.trial_number),
            seconds=twin.train_seconds if twin.trial_number in self._history else 0.0,
        )

    def _keep(self, result: TrainResult, twin: LedgerEntry | None) -> None:
        artifacts, number = self._of.artifacts, self._trial.number
        state = TrialState.PRUNED if result.stopped else TrialState.COMPLETE
        if state is TrialState.COMPLETE and result.probabilities is not None:
            artifacts.save_probabilities(number, result.probabilities)
        copied = twin is not None and twin.trial_number not in self._history
        entry = self._entry(
            state, result, duplicate_of=twin.trial_number if twin and copied else None
        )
        self._of.keep_figure(self._trial, entry, result.probabilities)
        self._of.ledger.record(entry)
        self._checkpoints.remove()
        self._collect()
        self._of.listener(
            TrialEnded(
                number=number,
                state=state,
                score=result.best.mean,
                epochs=len(result.epochs),
                seconds=entry.total_seconds,
                train_seconds=entry.train_seconds,
            )
        )

    def _collect(self) -> None:
        self._of.artifacts.collect(
            self._trial.number, self._of.limits.files_mb * 10**6, self._of.ledger
        )

    def _entry(
        self, state: TrialState, result: TrainResult | None = None, duplicate_of: int | None = None
    ) -> LedgerEntry:
        trained = result.seconds if result else 0.0
        return LedgerEntry(
            trial_number=self._trial.number,
            params=self._params,
            epochs=result.epochs if result else (),
            state=state,
            train_seconds=trained,
            total_seconds=max(
                time.perf_counter() - self._started, trained
            ),  # earlier attempts have trained some of it
            duplicate_of=duplicate_of,
        )

    @property
    def _checkpoints(self) -> TrialCheckpoints:
        first = self._history[0] if self._history else self._trial.number
        return TrialCheckpoints(
            path=self._of.artifacts.checkpoint_path(first),
            digest=f"{self._of.ledger.uuid} {self._params.digest()}",
            every_seconds=self._of.limits.checkpoint_seconds,
            stop_asked=self._of.stop_asked,
            pruned=lambda: self._watch.pruned,
            catch_up=self._watch.catch_up,
            listener=self._of.listener,
        )


def known(ledger: Ledger, digest: str, history: list[int]) -> LedgerEntry | None:
    """Return what a trial of the same configuration found; also one of ``history`` that was lost as it ended."""
    number = ledger.find_digest(digest)
    if number is not None:
        return ledger.entry_of(number)
    lost = (ledger.entry_of(number) for number in reversed(history))
    return next(
        (entry for entry in lost if entry is not None and entry.state is not TrialState.RUNNING),
        None,
    )
