"""A worker process of bcsearch with the tests' fake trainer: ``python -m benchmarks.distributed.worker ASSIGNMENT``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import optuna

from bcsearch.storage.engine import plain_errors
from bcsearch.storage.urls import checked
from bcsearch.study.interrupts import Interrupts
from benchmarks.distributed.assignment import Assignment
from benchmarks.distributed.crew import await_start
from benchmarks.distributed.diary import Diary
from tests.fakes import FakeTrainer, make_worker


def work(assignment: Assignment) -> None:
    """Work on the study until its budget is used up; trouble with the database is one line and exit code 1."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    diary = Diary(Path(assignment.folder))
    with plain_errors(checked(assignment.url)), Interrupts(diary) as interrupts:
        desk = assignment.open_desk(f"worker-{os.getpid()}")
        trainer = FakeTrainer(
            curve=lambda params: assignment.curve(params.learning_rate), seconds=assignment.seconds
        )
        worker = make_worker(desk, assignment.plan, trainer, listener=diary, interrupts=interrupts)
        await_start()
        worker.run()


if __name__ == "__main__":
    work(Assignment.from_text(sys.argv[1]))
