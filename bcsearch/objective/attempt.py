"""One attempt at one trial: drawn, trained or known already, kept."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import optuna

from bcsearch.artifacts.checkpoints import TrialCheckpoints
from bcsearch.artifacts.figures import register_figure
from bcsearch.errors import InfeasibleError
from bcsearch.objective.suggest import suggest_values
from bcsearch.recipe import Params
from bcsearch.records import EpochScores, TrainResult, TrialState
from bcsearch.records.events import EpochEnded, TrialEnded, TrialInfeasible, TrialStarted
from bcsearch.records.scores import joined
from bcsearch.storage import LedgerEntry, attrs
from bcsearch.storage.optuna_private import reported_steps, trial_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bcsearch.artifacts.files import Artifacts
    from bcsearch.config import Limits, Space
    from bcsearch.objective.protocol import StopAsked, Train
    from bcsearch.records.events import Listener
    from bcsearch.storage import Ledger, Storage


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Context:
    """What all trials of one study in this process share.

    ``score`` names what they are ranked by, ``repeats`` says whether a configuration that is known
    is trained again.
    """

    space: Space
    score: str
    train: Train
    ledger: Ledger
    artifacts: Artifacts
    storage: Storage
    listener: Listener
    stop_asked: StopAsked
    limits: Limits
    repeats: bool = False


class Attempt:
    """One trial, which may have been begun before: released, or lost with its worker."""

    def __init__(self, context: Context, trial: optuna.Trial) -> None:
        """Draw its parameters."""
        self._of, self._trial = context, trial
        self._started = time.perf_counter()
        with context.storage.batched_params(trial_id(trial)):
            self._values = suggest_values(trial, context.space)
        self._params = Params(**self._values)
        self._history: list[int] = trial.user_attrs.get(attrs.RETRY_HISTORY, [])
        # as it was when this attempt began: a trial that was released has reports already
        self._reported = reported_steps(trial)
        self._best = float("-inf")
        self._pruned = self._stop_asked = False

    def run(self) -> float:
        """Return the best fold mean.

        Raises:
            optuna.TrialPruned: the pruner stopped it.
            KeyboardInterrupt: the run should end.
            InfeasibleError, ConfigError: it cannot be trained.
        """
        self._params = self._of.train.canonical(self._values)
        self._of.listener(TrialStarted(number=self._trial.number, params=self._params))
        twin = known(self._of.ledger, self._params.digest(), self._history)
        n_earlier = self._count_earlier()
        if n_earlier:
            result = self._trained_again(n_earlier)
        elif twin is None:
            result = self._train()
        else:
            result = self._repeated(twin)
        if self._stop_asked and result.stopped:
            raise KeyboardInterrupt
        self._keep(result, twin)
        if result.stopped:
            raise optuna.TrialPruned
        return result.best.mean

    def give_up(self, reason: str) -> None:
        """Record that this configuration cannot be trained, so that its like are avoided."""
        self._trial.set_user_attr(attrs.NOTE, reason)
        self._of.ledger.record(self._entry(TrialState.INFEASIBLE))
        self._checkpoints.remove()
        self._collect()
        self._of.listener(TrialInfeasible(number=self._trial.number, reason=reason))

    def report(self, epoch: int, score: float) -> bool:
        """Take the fold mean of an epoch; True means stop."""
        self._take(epoch, score)
        # the pruner looks at the last report only, and has let earlier ones pass
        judged = epoch >= max(self._reported, default=-1)
        self._pruned = judged and self._trial.should_prune()
        self._stop_asked = not self._pruned and self._of.stop_asked()
        return self._stop_asked or self._pruned

    def catch_up(self, epochs: Iterable[EpochScores]) -> None:
        """Take epochs that an earlier attempt trained: the pruner has let them pass."""
        for scores in epochs:
            self._take(scores.epoch, scores.mean)

    def _take(self, epoch: int, score: float) -> None:
        self._best = max(self._best, score)
        if epoch not in self._reported:
            self._trial.report(self._best, epoch)
        number, name = self._trial.number, self._of.score
        self._of.listener(
            EpochEnded(number=number, epoch=epoch, score=score, best=self._best, score_name=name)
        )

    def _count_earlier(self) -> int:
        """Return how many trials of this configuration are averaged with this one."""
        if not self._of.repeats:
            return 0
        counted: int | None = self._trial.user_attrs.get(attrs.REPEATS)
        if counted is None:  # no earlier attempt has counted them
            counted = len(self._of.ledger.completed(self._params.digest()))
            self._trial.set_user_attr(attrs.REPEATS, counted)
        return counted

    def _trained_again(self, n_earlier: int) -> TrainResult:
        """Train by another seed; join what came of it with the trials before."""
        number = self._of.ledger.completed(self._params.digest())[n_earlier - 1]
        earlier = self._of.ledger.entry_of(number)
        own = self._train(n_earlier)
        if earlier is None or own.stopped:
            return own
        return replace(own, epochs=joined(earlier.epochs, n_earlier, own.epochs))

    def _train(self, repeat: int = 0) -> TrainResult:
        if len(self._history) >= self._of.storage.max_retries:
            # of a last attempt the params stay, if it is lost
            self._of.ledger.record(self._entry(TrialState.RUNNING))
        seconds = self._of.limits.trial_seconds
        return self._of.train(self._params, self.report, self._checkpoints, seconds, repeat=repeat)

    def _repeated(self, twin: LedgerEntry) -> TrainResult:
        """Report what an equal configuration scored, instead of training it again."""
        if twin.state is TrialState.INFEASIBLE:
            raise InfeasibleError(
                f"trial {twin.trial_number} of the same configuration could not be trained"
            )
        reported: list[EpochScores] = []
        for scores in twin.epochs:
            reported.append(scores)
            if self.report(scores.epoch, scores.mean):
                break
        is_whole = len(reported) == len(twin.epochs) and twin.state is TrialState.COMPLETE
        seconds = 0.0
        if twin.trial_number in self._history:
            seconds = twin.train_seconds
        return TrainResult(
            epochs=tuple(reported),
            stopped=not is_whole,
            probabilities=self._of.artifacts.probabilities(twin.trial_number),
            seconds=seconds,
        )

    def _keep(self, result: TrainResult, twin: LedgerEntry | None) -> None:
        number, state = self._trial.number, TrialState.COMPLETE
        if result.stopped:
            state = TrialState.PRUNED
        elif result.probabilities is not None:
            self._of.artifacts.save_probabilities(number, result.probabilities)
        duplicate_of = None
        if twin is not None and twin.trial_number not in self._history:
            duplicate_of = twin.trial_number
        entry = self._entry(state, result, duplicate_of)
        best = result.best
        scores = best.means
        for name, score in scores.items():
            if name != best.score:
                self._trial.set_user_attr(name, round(score, 6))
        if state is TrialState.COMPLETE:
            register_figure(self._trial, self._of.ledger.uuid)
        self._of.ledger.record(entry)
        self._checkpoints.remove()
        self._collect()
        self._of.listener(
            TrialEnded(
                number=number,
                state=state,
                score=best.mean,
                epochs=len(result.epochs),
                seconds=entry.total_seconds,
                train_seconds=entry.train_seconds,
                score_name=best.score,
                scores=scores,
            )
        )

    def _collect(self) -> None:
        limit = self._of.limits.files_mb * 10**6
        self._of.artifacts.collect(self._trial.number, limit, self._of.ledger)

    def _entry(
        self,
        state: TrialState,
        result: TrainResult | None = None,
        duplicate_of: int | None = None,
    ) -> LedgerEntry:
        epochs: tuple[EpochScores, ...] = ()
        trained = 0.0
        if result is not None:
            epochs, trained = result.epochs, result.seconds
        elapsed = time.perf_counter() - self._started
        return LedgerEntry(
            trial_number=self._trial.number,
            params=self._params,
            epochs=epochs,
            state=state,
            train_seconds=trained,
            total_seconds=max(elapsed, trained),  # earlier attempts have trained some of it
            duplicate_of=duplicate_of,
        )

    @property
    def _checkpoints(self) -> TrialCheckpoints:
        first = (self._history or [self._trial.number])[0]
        return TrialCheckpoints(
            path=self._of.artifacts.checkpoint_path(first),
            digest=f"{self._of.ledger.uuid} {self._params.digest()}",
            every_seconds=self._of.limits.checkpoint_seconds,
            stop_asked=self._of.stop_asked,
            pruned=lambda: self._pruned,
            catch_up=self.catch_up,
            listener=self._of.listener,
        )


def known(ledger: Ledger, digest: str, history: list[int]) -> LedgerEntry | None:
    """Return what a trial of the same configuration found.

    Also one of ``history`` that was lost as it ended.
    """
    number = ledger.find_digest(digest)
    if number is not None:
        return ledger.entry_of(number)
    lost = (ledger.entry_of(number) for number in reversed(history))
    return next(
        (entry for entry in lost if entry is not None and entry.state is not TrialState.RUNNING),
        None,
    )
