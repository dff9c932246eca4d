"""Sixteen processes, 2,000 short trials, on SQLite and PostgreSQL, beside plain Optuna on the same kind of database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import optuna

from bcsearch.records import StudyRecord, TrialState
from bcsearch.storage import read_study
from benchmarks.distributed.assignment import STUDY, Assignment
from benchmarks.distributed.crew import Crew
from benchmarks.distributed.databases import postgresql, sqlite_url
from benchmarks.distributed.diary import read_diaries
from benchmarks.distributed.plain import open_plain

if TYPE_CHECKING:
    from collections.abc import Callable

N_PROCESSES, TRIALS = 16, 2000
EPOCHS, EPOCH_SECONDS = 2, 0.01
SAMPLERS = (
    "tpe",
    "random",
)  # the shipped one, and one that costs nothing, which shows the storage alone
OURS, PLAIN = "benchmarks.distributed.worker", "benchmarks.distributed.plain"
BUSY_SECONDS = 60  # what a user of plain Optuna would set beside WAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One way of running the study; ``prepare`` makes it in an empty database."""

    name: str
    module: str
    prepare: Callable[[Assignment], object]
    busy_seconds: int | None = None


def main(
    n_processes: int = N_PROCESSES, trials: int = TRIALS, samplers: tuple[str, ...] = SAMPLERS
) -> None:
    """Print what was finished, what was trained twice, what was said on stderr, and trials a second, of every side."""
    ours = Side(name="bcsearch", module=OURS, prepare=Assignment.create)
    plain = Side(name="plain Optuna", module=PLAIN, prepare=_create_plain)
    wal = Side(
        name="plain Optuna, WAL", module=PLAIN, prepare=_create_in_wal, busy_seconds=BUSY_SECONDS
    )
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with postgresql() as server:
        for sampler in samplers:
            for kind, sides in {"SQLite": (ours, plain, wal), "PostgreSQL": (ours, plain)}.items():
                print(
                    f"storm on {kind}, {sampler}: {n_processes} processes, {trials} trials",
                    flush=True,
                )
                rates = [
                    _measure(side, server.new_url, kind, n_processes, trials, sampler)
                    for side in sides
                ]
                times = ", ".join(f"{rates[0] / rate:.2f}" for rate in rates[1:] if rate)
                print(
                    f"  bcsearch against plain Optuna: {times} times its trials a second",
                    flush=True,
                )


def _measure(
    side: Side, new_url: Callable[[], str], kind: str, n_processes: int, trials: int, sampler: str
) -> float:
    """Run one side, print what came of it, and return its trials a second."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        assignment = Assignment(
            url=sqlite_url(folder) if kind == "SQLite" else new_url(),
            folder=place,
            trials=trials,
            epochs=EPOCHS,
            seconds=EPOCH_SECONDS,
            sampler=sampler,
            busy_seconds=side.busy_seconds,
        )
        side.prepare(assignment)
        crew = Crew(module=side.module, assignment=assignment.to_text(), folder=folder)
        for _ in range(n_processes):
            crew.add()
        since = crew.begin()
        broken = crew.join()
        told = read_diaries(folder)
        record = read_study(assignment.url, STUDY)
        rate = min(trials, len(told.of("TrialEnded"))) / told.seconds_until(trials, since)
        print(f"  {side.name}: {rate:.1f} trials/s, {_account(record, trials)}")
        print(f"    trained twice {told.started_twice}, {_complaints(crew, broken)}", flush=True)
    return rate


def _account(record: StudyRecord, trials: int) -> str:
    """Say how many trials finished, how many too many, and what else stands in the study."""
    finished = record.slots_filled
    others = {
        state: record.count(state)
        for state in (TrialState.RUNNING, TrialState.WAITING, TrialState.FAIL)
    }
    apart = "".join(f", {count} {state}" for state, count in others.items() if count)
    return f"{finished} finished ({finished - trials:+d}){apart}"


def _complaints(crew: Crew, broken: int) -> str:
    lines = crew.said.splitlines()
    locked = sum("locked" in line for line in lines)
    last = f": {lines[-1][:160]}" if lines else ""
    return f"processes that broke {broken}, lines on stderr {len(lines)}, of them of locks {locked}{last}"


def _create_plain(assignment: Assignment) -> None:
    open_plain(assignment, "first")


def _create_in_wal(assignment: Assignment) -> None:
    path = assignment.url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    open_plain(assignment, "first")
