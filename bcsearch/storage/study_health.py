"""Facts of a study by which its health is judged: who claims, runs and is silent. Imports sqlalchemy, optuna."""

from __future__ import annotations

from dataclasses import dataclass
from json import loads
from typing import TYPE_CHECKING, Any

from optuna.trial import TrialState as OptunaState
from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session

from bcsearch.records import TrialState
from bcsearch.storage.attrs import FORECAST
from bcsearch.storage.engine import database_now
from bcsearch.storage.optuna_tables import BEATS, STUDIES, STUDY_ATTRS, TRIALS
from bcsearch.storage.read import reading
from bcsearch.storage.tables import SLOTS
from bcsearch.storage.trial_records import FETCHED, STATES

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A slot of the budget that a worker holds or held last. ``claimed`` is by the clock of the database.

    ``started`` and ``ended`` of its trial are by the worker's clock; None before there is a trial, or its end.
    """

    worker: str
    claimed: datetime
    trial: int | None = None
    state: TrialState | None = None
    started: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningTrial:
    """A trial that is said to run. ``silent_seconds`` count from its heartbeat, or its start where it has none."""

    number: int
    silent_seconds: float
    has_heartbeat: bool
    worker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyHealth:
    """One study at the time ``now`` of the database's clock. All times are UTC without saying so.

    Attributes:
        counts: trials by state; states without trials are left out.
        claims: the slots that were claimed, the earliest claim first.
        running: the trials that are said to run.
        cache_bytes: cache that the study was forecast to need; None where it has no forecast.
    """

    name: str
    now: datetime
    counts: dict[TrialState, int]
    claims: tuple[Claim, ...]
    running: tuple[RunningTrial, ...]
    cache_bytes: int | None

    @property
    def finished(self) -> int:
        """How many trials completed or were pruned."""
        return self.counts.get(TrialState.COMPLETE, 0) + self.counts.get(TrialState.PRUNED, 0)

    def stale(self, grace_seconds: float) -> tuple[RunningTrial, ...]:
        """Return the trials whose workers were silent for longer than the grace."""
        return tuple(trial for trial in self.running if trial.silent_seconds > grace_seconds)


def read_health(source: str, name: str, uuid: str) -> StudyHealth:
    """Look at the study ``name`` whose slots are kept under ``uuid``. Raises as ``read_study`` does."""
    with reading(source) as connection:
        study_id = connection.execute(
            select(STUDIES.c.study_id).where(STUDIES.c.study_name == name)
        ).scalar_one()
        with Session(connection) as session:
            now = database_now(session)
        claims = (
            _claims(connection, study_id, uuid) if inspect(connection).has_table(SLOTS.name) else ()
        )
        return StudyHealth(
            name=name,
            now=now,
            counts=_counts(connection, study_id),
            claims=claims,
            running=_running(
                connection, study_id, now, {claim.trial: claim.worker for claim in claims}
            ),
            cache_bytes=_cache_bytes(connection, study_id),
        )


def _counts(connection: Connection, study_id: int) -> dict[TrialState, int]:
    counted = (
        select(TRIALS.c.state, func.count())
        .where(TRIALS.c.study_id == study_id)
        .group_by(TRIALS.c.state)
    )
    return {STATES[state]: count for state, count in connection.execute(counted)}


def _claims(connection: Connection, study_id: int, uuid: str) -> tuple[Claim, ...]:
    """Put slots and trials together here: by number, which has no index, SQLite would scan the trials for each slot."""
    columns = (TRIALS.c.number, TRIALS.c.state, TRIALS.c.datetime_start, TRIALS.c.datetime_complete)
    of_trials = select(*columns).where(TRIALS.c.study_id == study_id)
    claimed = (
        select(SLOTS.c.claimed_by, SLOTS.c.claimed_at, SLOTS.c.trial_number)
        .where(SLOTS.c.study_uuid == uuid, SLOTS.c.claimed_by.is_not(None))
        .order_by(SLOTS.c.claimed_at)
    )
    rows = {
        row.number: row
        for part in connection.execute(of_trials).partitions(FETCHED)
        for row in part
    }
    return tuple(
        _claim(slot, rows.get(slot.trial_number))
        for part in connection.execute(claimed).partitions(FETCHED)
        for slot in part
    )


def _claim(slot: Any, trial: Any) -> Claim:
    return Claim(
        worker=slot.claimed_by,
        claimed=slot.claimed_at,
        trial=slot.trial_number,
        state=None if trial is None else STATES[trial.state],
        started=None if trial is None else trial.datetime_start,
        ended=None if trial is None else trial.datetime_complete,
    )


def _running(
    connection: Connection, study_id: int, now: datetime, workers: dict[int | None, str]
) -> tuple[RunningTrial, ...]:
    said = (
        select(TRIALS.c.number, TRIALS.c.datetime_start, BEATS.c.heartbeat)
        .outerjoin(BEATS, BEATS.c.trial_id == TRIALS.c.trial_id)
        .where(TRIALS.c.study_id == study_id, TRIALS.c.state == OptunaState.RUNNING)
        .order_by(TRIALS.c.number)
    )
    return tuple(
        RunningTrial(
            number=number,
            silent_seconds=max(0.0, (now - (beat or started or now)).total_seconds()),
            has_heartbeat=beat is not None,
            worker=workers.get(number),
        )
        for number, started, beat in connection.execute(said)
    )


def _cache_bytes(connection: Connection, study_id: int) -> int | None:
    kept = select(STUDY_ATTRS.c.value_json).where(
        STUDY_ATTRS.c.study_id == study_id, STUDY_ATTRS.c.key == FORECAST
    )
    told = connection.execute(kept).scalar_one_or_none()
    forecast: dict[str, Any] = {} if told is None else loads(told)
    needed: int | None = forecast.get("work", {}).get("cache_bytes")
    return needed
