"""The health of a database and a study in it: schema, tables, clock, trials of lost workers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from optuna import load_study
from optuna.trial import TrialState as OptunaState
from sqlalchemy import func, inspect, select, text
from sqlalchemy.orm import Session

from bcsearch.records import TrialState
from bcsearch.storage.engine import database_now
from bcsearch.storage.optuna_private import BEATS, STUDIES, TRIALS, known_schemas, schema_of
from bcsearch.storage.rdb import open_storage
from bcsearch.storage.read import connected, reading
from bcsearch.storage.tables import METADATA, SLOTS
from bcsearch.storage.urls import checked, masked, sqlite_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from bcsearch.config import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseHealth:
    """One database.

    Attributes:
        place: its URL without the password.
        path: the file of SQLite; None for a server.
        journal: SQLite's journal mode, such as ``wal``; None for a server.
        schema: the revision of Optuna's tables; None where none is noted.
        schema_here: the revision that the installed Optuna works with.
        missing: the tables of bcsearch that do not exist.
        clock_ahead: seconds that this machine's clock is ahead of the database's, or below zero
            behind it.
    """

    place: str
    path: Path | None
    journal: str | None
    schema: str | None
    schema_here: str
    missing: tuple[str, ...]
    clock_ahead: float

    @property
    def is_usable(self) -> bool:
        """Whether the installed Optuna can use the tables."""
        return self.schema in (None, self.schema_here)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningTrial:
    """A trial in the state running; ``worker`` is None where it has no slot.

    ``silent_seconds`` count from its last heartbeat, or from its start where it has none.
    """

    number: int
    silent_seconds: float
    has_heartbeat: bool
    worker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyHealth:
    """One study.

    Attributes:
        counts: trials by state; states without trials are left out.
        running: the trials in the state running, in order of their numbers.
        workers: everyone who holds a slot, or held it last.
    """

    counts: dict[TrialState, int]
    running: tuple[RunningTrial, ...]
    workers: frozenset[str]

    @property
    def finished(self) -> int:
        """How many trials completed or were pruned."""
        return self.counts.get(TrialState.COMPLETE, 0) + self.counts.get(TrialState.PRUNED, 0)


def read_database(source: str) -> DatabaseHealth:
    """Look at the database of a URL; nothing is created or changed.

    Raises:
        StudyError: there is no such SQLite file.
        StorageError: the database cannot be used.
    """
    url = checked(source)
    with connected(source) as connection:
        tables = inspect(connection).get_table_names()
        return DatabaseHealth(
            place=masked(str(url.set(drivername=url.get_backend_name()))),
            path=sqlite_path(url),
            journal=_journal(connection),
            schema=schema_of(connection.engine),
            schema_here=known_schemas()[0],
            missing=tuple(sorted(set(METADATA.tables) - set(tables))),
            clock_ahead=_clock_ahead(connection),
        )


def read_health(source: str, name: str, uuid: str) -> StudyHealth:
    """Look at the study ``name``, whose slots have the key ``uuid``.

    Raises:
        StudyError: nothing was ever run on this storage.
        StorageError: the database cannot be used.
    """
    with reading(source) as connection:
        named = select(STUDIES.c.study_id).where(STUDIES.c.study_name == name)
        study_id = connection.execute(named).scalar_one()
        slots = _slots(connection, uuid)
        return StudyHealth(
            counts=_counts(connection, study_id),
            running=_running(connection, study_id, slots),
            workers=frozenset(slot.claimed_by for slot in slots),
        )


def fail_lost(source: str, name: str, limits: Limits) -> list[int]:
    """Fail the trials of lost workers and queue them again; return their numbers.

    Nothing is failed right after a server has started, as living workers come first.
    """
    storage = open_storage(source, limits)
    try:
        return storage.fail_stale(load_study(study_name=name, storage=storage))
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _journal(connection: Connection) -> str | None:
    if connection.dialect.name != "sqlite":
        return None
    return str(connection.execute(text("PRAGMA journal_mode")).scalar_one())


def _clock_ahead(connection: Connection) -> float:
    """Compare the clocks in a new transaction: a server's time stands still in one."""
    connection.rollback()
    with Session(connection) as session:
        database_time = database_now(session)
    here = datetime.now(UTC).replace(tzinfo=None)
    return (here - database_time).total_seconds()


def _counts(connection: Connection, study_id: int) -> dict[TrialState, int]:
    in_study = select(TRIALS.c.state, func.count()).where(TRIALS.c.study_id == study_id)
    rows = connection.execute(in_study.group_by(TRIALS.c.state))
    return {TrialState[state.name]: count for state, count in rows}


def _slots(connection: Connection, uuid: str) -> Sequence[Any]:
    """Read trial number and worker of the slots that were claimed."""
    if not inspect(connection).has_table(SLOTS.name):
        return []
    columns = select(SLOTS.c.trial_number, SLOTS.c.claimed_by)
    claimed = columns.where(SLOTS.c.study_uuid == uuid, SLOTS.c.claimed_by.is_not(None))
    return connection.execute(claimed).all()


def _running(
    connection: Connection, study_id: int, slots: Sequence[Any]
) -> tuple[RunningTrial, ...]:
    workers = {slot.trial_number: slot.claimed_by for slot in slots}
    with Session(connection) as session:
        now = database_now(session)
    columns = select(TRIALS.c.number, TRIALS.c.datetime_start, BEATS.c.heartbeat)
    with_beats = columns.outerjoin(BEATS, BEATS.c.trial_id == TRIALS.c.trial_id)
    running = with_beats.where(TRIALS.c.study_id == study_id, TRIALS.c.state == OptunaState.RUNNING)
    found = []
    for number, started, beat in connection.execute(running.order_by(TRIALS.c.number)):
        silent = now - (beat or started or now)
        trial = RunningTrial(
            number=number,
            silent_seconds=max(0.0, silent.total_seconds()),
            has_heartbeat=beat is not None,
            worker=workers.get(number),
        )
        found.append(trial)
    return tuple(found)
