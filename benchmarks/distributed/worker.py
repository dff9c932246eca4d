"""A worker process of bcsearch with the tests' fake trainer."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import optuna

from bcsearch.storage.database_errors import plain_errors
from bcsearch.storage.urls import checked
from bcsearch.study.interrupts import Interrupts
from benchmarks.distributed.assignment import Assignment
from benchmarks.distributed.event_log import EventLog
from benchmarks.distributed.processes import await_start
from tests.fakes import FakeTrainer, make_worker


def work(assignment: Assignment) -> None:
    """Work on the study until its budget is used up; a database error is one line."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    event_log = EventLog(Path(assignment.folder))
    with plain_errors(checked(assignment.url)), Interrupts(event_log) as interrupts:
        session = assignment.open_session(f"worker-{os.getpid()}")
        trainer = FakeTrainer(
            curve=lambda params: assignment.curve(params.learning_rate), seconds=assignment.seconds
        )
        worker = make_worker(
            session, assignment.plan, trainer, listener=event_log, interrupts=interrupts
        )
        await_start()
        worker.run()


if __name__ == "__main__":
    work(Assignment.from_text(sys.argv[1]))
