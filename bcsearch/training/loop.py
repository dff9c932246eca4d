"""The epochs of a trial: train all folds, score them, report the mean, stop in time."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING

from bcsearch.errors import InfeasibleError
from bcsearch.records import EpochScores, TrainResult, best_epoch
from bcsearch.records.checkpoint import Checkpoint, NoCheckpoints
from bcsearch.training.protocol import Check, nothing, shifts_of
from bcsearch.training.schedules import Schedule
from bcsearch.training.stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from bcsearch.config import Training
    from bcsearch.recipe import Params
    from bcsearch.records.checkpoint import Checkpoints
    from bcsearch.records.events import Report
    from bcsearch.training.protocol import Evaluator, FoldTrainer
    from bcsearch.training.task import Task
    from bcsearch.views.view import Applied

    Shift = tuple[Applied, ...]

BEST = "best.{}"  # the name of a fold's probabilities after the best epoch, in a checkpoint


@dataclass(kw_only=True, eq=False)
class Lockstep:
    """One training of all folds side by side; run it once.

    It ends with the epochs, when ``report`` says so, or when the fold mean has not risen for the
    patience, which is counted from epoch ``staged_until`` on, where the last stage of unfreezing
    or sampling begins. ``trial_seconds`` is the most that training alone may take; None is any
    time. The first of ``evaluators`` is what the trial is ranked by. ``check`` is called before
    each batch that takes long.
    """

    trainer: FoldTrainer
    task: Task
    params: Params
    settings: Training
    evaluators: Sequence[Evaluator]
    report: Report
    checkpoints: Checkpoints = field(default_factory=NoCheckpoints)
    staged_until: int = 0
    trial_seconds: float | None = None
    check: Check = nothing
    _done: list[EpochScores] = field(default_factory=list, init=False)
    _best_probabilities: Sequence[np.ndarray] = field(default=(), init=False)
    _stopwatch: Stopwatch = field(init=False)

    def __post_init__(self) -> None:
        self._stopwatch = Stopwatch(self.trial_seconds)

    def run(self) -> TrainResult:
        """Train from the last checkpoint on.

        Raises:
            InfeasibleError: the loss became NaN, or there is no time left.
        """
        schedule = Schedule(self.params, self.settings.epochs)
        self._resume(schedule)
        stopped = False
        while not (stopped or self._is_over()):
            with self._stopwatch:
                self._train_epoch(schedule)
            self._check()
            stop = self.report(self._done[-1].epoch, self._done[-1].mean)
            stopped = stop and not self._is_over()  # the last epoch has nothing to stop
            self.checkpoints.offer(self._checkpoint)
        return TrainResult(
            epochs=tuple(self._done),
            stopped=stopped,
            probabilities=self.task.out_of_fold(self._best_probabilities),
            seconds=self._stopwatch.seconds,
        )

    def _train_epoch(self, schedule: Schedule) -> None:
        epoch = len(self._done)
        rate = schedule.rate(epoch)
        loss = self.trainer.train_epoch(epoch, rate, self._before_batch)
        shifts = shifts_of(self.evaluators)
        predictions = {shift: self.trainer.predict(place) for place, shift in enumerate(shifts)}
        scores = {
            evaluator.name: self._score(evaluator, predictions) for evaluator in self.evaluators
        }
        done = EpochScores(
            epoch=epoch,
            score=self.evaluators[0].name,
            scores=scores,
            train_loss=loss,
            learning_rate=rate,
        )
        self._done.append(done)
        schedule.observe(done.mean)
        if best_epoch(self._done).epoch == epoch:
            self._best_probabilities = predictions[()]

    def _before_batch(self) -> None:
        self._stopwatch.check()
        self.check()

    def _score(
        self, evaluator: Evaluator, predictions: Mapping[Shift, Sequence[np.ndarray]]
    ) -> tuple[float, ...]:
        """Return a score in each fold, given what folds predict after each shift."""
        found = []
        for fold, rows in enumerate(self.task.valid_rows):
            seen = [predictions[shift][fold] for shift in evaluator.shifts]
            found.append(evaluator(self.task.labels[rows], seen, rows))
        return tuple(found)

    def _is_over(self) -> bool:
        if not self._done or len(self._done) >= self.settings.epochs:
            return bool(self._done)
        return (
            self._done[-1].epoch - max(best_epoch(self._done).epoch, self.staged_until)
            >= self.settings.patience
        )

    def _check(self) -> None:
        last = self._done[-1]
        if not isfinite(last.train_loss):
            raise InfeasibleError(f"its loss became NaN or infinite in epoch {last.epoch}")
        self._stopwatch.check()

    def _checkpoint(self) -> Checkpoint:
        best = {BEST.format(fold): array for fold, array in enumerate(self._best_probabilities)}
        return Checkpoint(
            epochs=tuple(self._done),
            seconds=self._stopwatch.seconds,
            arrays={**self.trainer.state(), **best},
        )

    def _resume(self, schedule: Schedule) -> None:
        checkpoint = self.checkpoints.load()
        if checkpoint is None:
            return
        self._done = list(checkpoint.epochs)
        self._stopwatch.go_on_from(checkpoint.seconds)
        self._best_probabilities = [
            checkpoint.arrays[BEST.format(fold)] for fold in range(len(self.task.valid_rows))
        ]
        self.trainer.restore(checkpoint.arrays)
        for scores in self._done:
            schedule.observe(scores.mean)
