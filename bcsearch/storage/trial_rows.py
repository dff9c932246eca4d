"""Statements on the rows of Optuna's trials: every change of state is one compare-and-set.

``SELECT ... FOR UPDATE``, which Optuna relies on, does nothing on SQLite. An UPDATE that names the
states it may leave is atomic on every database: of two workers, one changes the row.
"""

from __future__ import annotations

from datetime import UTC, datetime
from json import dumps
from typing import TYPE_CHECKING

from optuna.trial import TrialState
from sqlalchemy import and_, delete, func, insert, literal, or_, select, update

from bcsearch.storage.engine import changes_one
from bcsearch.storage.optuna_private import (
    FEASIBLE,
    HEARTBEATS,
    STUDIES,
    SYSTEM_ATTRS,
    TRIALS,
    VALUES,
    stored_value,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

UNFINISHED = (TrialState.RUNNING, TrialState.WAITING)
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


def check_study(session: Session, study_id: int, *, lock: bool = False) -> None:
    """Raise KeyError where there is no such study, as Optuna's storages do; else ``lock`` it."""
    statement = select(STUDIES.c.study_id).where(STUDIES.c.study_id == study_id)
    if lock:
        statement = statement.with_for_update()
    if session.execute(statement).first() is None:
        raise KeyError(f"no study has id {study_id}")


def state_of(session: Session, trial_id: int) -> TrialState:
    """Return the state of a trial. Raises KeyError where there is none, as Optuna's storages do."""
    statement = select(TRIALS.c.state).where(TRIALS.c.trial_id == trial_id)
    state: TrialState | None = session.execute(statement).scalar_one_or_none()
    if state is None:
        raise KeyError(f"no trial has id {trial_id}")
    return state


def move(
    session: Session,
    trial_id: int,
    before: tuple[TrialState, ...],
    after: TrialState,
    *conditions: ColumnElement[bool],
) -> bool:
    """Set the state of a trial to ``after``; return whether it was done.

    It is done if the state is one of ``before`` and the conditions hold.
    """
    changes: dict[str, object] = {"state": after}
    now = datetime.now(UTC).replace(tzinfo=None)
    if after is TrialState.RUNNING:
        changes["datetime_start"] = now
    if after.is_finished():
        changes["datetime_complete"] = now
    unchanged = TRIALS.c.trial_id == trial_id, TRIALS.c.state.in_(before)
    return changes_one(session, update(TRIALS).where(*unchanged, *conditions).values(changes))


def fail_if_stale(session: Session, trial_id: int, cutoff: datetime) -> bool:
    """Fail a RUNNING trial without a heartbeat since ``cutoff``; return whether it was done."""
    recent = HEARTBEATS.c.trial_id == trial_id, HEARTBEATS.c.heartbeat >= cutoff
    alive = select(HEARTBEATS.c.trial_id).where(*recent).exists()
    return move(session, trial_id, (TrialState.RUNNING,), TrialState.FAIL, ~alive)


def stale_trial_ids(session: Session, study_id: int, cutoff: datetime) -> list[int]:
    """Return the RUNNING trials whose heartbeat, or start without one, is before ``cutoff``."""
    without = and_(HEARTBEATS.c.heartbeat.is_(None), TRIALS.c.datetime_start < cutoff)
    statement = (
        select(TRIALS.c.trial_id)
        .outerjoin(HEARTBEATS, HEARTBEATS.c.trial_id == TRIALS.c.trial_id)
        .where(TRIALS.c.study_id == study_id, TRIALS.c.state == TrialState.RUNNING)
        .where(or_(HEARTBEATS.c.heartbeat < cutoff, without))
    )
    return list(session.execute(statement).scalars())


def write_heartbeat(session: Session, trial_id: int) -> None:
    """Write the heartbeat of a trial by the database's clock; add one only if it is RUNNING."""
    mine = HEARTBEATS.c.trial_id == trial_id
    if changes_one(session, update(HEARTBEATS).where(mine).values(heartbeat=func.now())):
        return
    running = TRIALS.c.trial_id == trial_id, TRIALS.c.state == TrialState.RUNNING
    row = select(literal(trial_id), func.now())
    row = row.where(select(TRIALS.c.trial_id).where(*running).exists())
    session.execute(insert(HEARTBEATS).from_select(["trial_id", "heartbeat"], row))


def write_values(session: Session, trial_id: int, values: Sequence[float]) -> None:
    """Replace the values of a trial."""
    session.execute(delete(VALUES).where(VALUES.c.trial_id == trial_id))
    for objective, value in enumerate(values):
        stored, kind = stored_value(value)
        row = {"trial_id": trial_id, "objective": objective, "value": stored, "value_type": kind}
        session.execute(insert(VALUES).values(row))


def write_constraint(session: Session, study_id: int, number: int, value: float) -> None:
    """Tell the sampler whether a trial could be trained: above zero means that it could not.

    Optuna's own way would pass over a second value.
    """
    numbered = TRIALS.c.study_id == study_id, TRIALS.c.number == number
    trial_id = session.execute(select(TRIALS.c.trial_id).where(*numbered)).scalar_one_or_none()
    if trial_id is None:
        return
    mine = SYSTEM_ATTRS.c.trial_id == trial_id, SYSTEM_ATTRS.c.key == FEASIBLE
    session.execute(delete(SYSTEM_ATTRS).where(*mine))
    row = {"trial_id": trial_id, "key": FEASIBLE, "value_json": dumps(value)}
    session.execute(insert(SYSTEM_ATTRS).values(row))
