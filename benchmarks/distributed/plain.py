"""A process of plain Optuna on the same objective: ``python -m benchmarks.distributed.plain ASSIGNMENT``."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
from optuna.study import MaxTrialsCallback
from optuna.trial import TrialState

from bcsearch.objective.suggest import suggest_params
from bcsearch.study.samplers import build_pruner, build_sampler
from benchmarks.distributed.assignment import STUDY, Assignment
from benchmarks.distributed.crew import await_start
from benchmarks.distributed.diary import Diary

if TYPE_CHECKING:
    from collections.abc import Callable

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


def open_plain(assignment: Assignment, worker: str) -> optuna.Study:
    """Create or join the study as Optuna's documentation shows, with the sampler and pruner of the sweep."""
    busy = assignment.busy_seconds
    options: dict[str, Any] = {} if busy is None else {"connect_args": {"timeout": busy}}
    search = assignment.plan.sweep.search
    return optuna.create_study(
        study_name=STUDY,
        storage=optuna.storages.RDBStorage(assignment.url, engine_kwargs=options),
        direction="maximize",
        load_if_exists=True,
        sampler=build_sampler(search, worker),
        pruner=build_pruner(search),
    )


def work(assignment: Assignment) -> None:
    """Optimize until as many trials as wanted have finished."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    diary = Diary(Path(assignment.folder))
    study = open_plain(assignment, f"worker-{os.getpid()}")
    enough = MaxTrialsCallback(assignment.trials, states=FINISHED)
    await_start()
    study.optimize(_objective(assignment, diary), callbacks=[enough])


def _objective(assignment: Assignment, diary: Diary) -> Callable[[optuna.Trial], float]:
    space = assignment.plan.space

    def objective(trial: optuna.Trial) -> float:
        params = suggest_params(trial, space)
        diary.write("TrialStarted", number=trial.number, params=asdict(params))
        try:
            return _train(trial, assignment, params.learning_rate)
        finally:
            diary.write("TrialEnded", number=trial.number)

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
