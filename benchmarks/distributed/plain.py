"""A process of plain Optuna on the same objective."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
from optuna.study import MaxTrialsCallback
from optuna.trial import TrialState

from bcsearch.objective.suggest import suggest_values
from bcsearch.recipe import Params
from bcsearch.study.samplers import build_pruner, build_sampler
from benchmarks.distributed.assignment import STUDY, Assignment
from benchmarks.distributed.event_log import EventLog
from benchmarks.distributed.processes import await_start

if TYPE_CHECKING:
    from collections.abc import Callable

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


def open_plain(assignment: Assignment, worker: str) -> optuna.Study:
    """Create or join the study as Optuna's documentation shows, with sampler and pruner."""
    options: dict[str, Any] = {}
    if assignment.busy_seconds is not None:
        options = {"connect_args": {"timeout": assignment.busy_seconds}}
    return optuna.create_study(
        study_name=STUDY,
        storage=optuna.storages.RDBStorage(assignment.url, engine_kwargs=options),
        direction="maximize",
        load_if_exists=True,
        sampler=build_sampler(assignment.plan, worker),
        pruner=build_pruner(assignment.plan),
    )


def work(assignment: Assignment) -> None:
    """Optimize until as many trials as wanted have finished."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    event_log = EventLog(Path(assignment.folder))
    study = open_plain(assignment, f"worker-{os.getpid()}")
    enough = MaxTrialsCallback(assignment.trials, states=FINISHED)
    await_start()
    study.optimize(_objective(assignment, event_log), callbacks=[enough])


def _objective(assignment: Assignment, event_log: EventLog) -> Callable[[optuna.Trial], float]:
    space = assignment.plan.space

    def objective(trial: optuna.Trial) -> float:
        params = Params(**suggest_values(trial, space))
        event_log.write("TrialStarted", number=trial.number, params=params)
        try:
            return _train(trial, assignment, params.learning_rate)
        finally:
            event_log.write("TrialEnded", number=trial.number)

    return objective


def _train(trial: optuna.Trial, assignment: Assignment, rate: float) -> float:
    best = 0.0
    for epoch, score in enumerate(assignment.curve(rate)):
        time.sleep(assignment.seconds)
        best = max(best, score)
        trial.report(best, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return best


if __name__ == "__main__":
    work(Assignment.from_text(sys.argv[1]))
