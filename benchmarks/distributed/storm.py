"""Sixteen processes and 2,000 short trials: bcsearch and plain Optuna on the same databases."""

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
from benchmarks.distributed.databases import postgresql, sqlite_url
from benchmarks.distributed.event_log import read_events
from benchmarks.distributed.plain import open_plain
from benchmarks.distributed.processes import Workers

if TYPE_CHECKING:
    from collections.abc import Callable

N_PROCESSES, TRIALS = 16, 2000
EPOCHS, EPOCH_SECONDS = 2, 0.01
SAMPLERS = ("tpe", "random")  # random costs nothing, so it shows the storage alone
OURS, PLAIN = "benchmarks.distributed.worker", "benchmarks.distributed.plain"
BUSY_SECONDS = 60  # what a user of plain Optuna would set with WAL


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
    """Print what each side finished, what it trained twice, its errors, and trials a second."""
    ours = Side(name="bcsearch", module=OURS, prepare=Assignment.create)
    plain = Side(name="plain Optuna", module=PLAIN, prepare=_create_plain)
    wal = Side(
        name="plain Optuna, WAL", module=PLAIN, prepare=_create_in_wal, busy_seconds=BUSY_SECONDS
    )
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with postgresql() as server:
        for sampler in samplers:
            for kind, sides in {"SQLite": (ours, plain, wal), "PostgreSQL": (ours, plain)}.items():
                size = f"{n_processes} processes, {trials} trials"
                print(f"storm on {kind}, {sampler}: {size}", flush=True)
                rates = [
                    _measure(side, server.new_url, kind, n_processes, trials, sampler)
                    for side in sides
                ]
                times = ", ".join(f"{rates[0] / rate:.2f}" for rate in rates[1:] if rate)
                print(f"  bcsearch runs {times} times the trials of plain Optuna", flush=True)


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
        workers = Workers(module=side.module, assignment=assignment.to_text(), folder=folder)
        for _ in range(n_processes):
            workers.add()
        since = workers.start()
        broken = workers.join()
        events = read_events(folder)
        record = read_study(assignment.url, STUDY)
        rate = min(trials, len(events.of("TrialEnded"))) / events.seconds_until(trials, since)
        print(f"  {side.name}: {rate:.1f} trials/s, {_account(record, trials)}")
        print(f"    trained twice {events.started_twice}, {_errors(workers, broken)}", flush=True)
    return rate


def _account(record: StudyRecord, trials: int) -> str:
    """Say how many trials finished, how many too many, and in which states others are."""
    finished = record.slots_filled
    others = {
        state: record.count(state)
        for state in (TrialState.RUNNING, TrialState.WAITING, TrialState.FAIL)
    }
    rest = "".join(f", {count} {state}" for state, count in others.items() if count)
    return f"{finished} finished ({finished - trials:+d}){rest}"


def _errors(workers: Workers, broken: int) -> str:
    lines = workers.stderr.splitlines()
    locked = sum("locked" in line for line in lines)
    text = f"processes that failed {broken}, lines on stderr {len(lines)}, of locks {locked}"
    if lines:
        text += f": {lines[-1][:160]}"
    return text


def _create_plain(assignment: Assignment) -> None:
    open_plain(assignment, "first")


def _create_in_wal(assignment: Assignment) -> None:
    path = assignment.url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    open_plain(assignment, "first")
