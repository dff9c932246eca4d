"""Statements on the rows of Optuna's trials: every change of state is one compare-and-set.

``SELECT ... FOR UPDATE``, which Optuna relies on, does nothing on SQLite. An UPDATE that names the
states it may leave from is atomic on every database: of two workers one changes the row, the other
learns that it did not.
"""

from __future__ import annotations

from datetime import UTC, datetime
from json import dumps
from typing import TYPE_CHECKING

from optuna.trial import TrialState
from sqlalchemy import and_, delete, func, insert, literal, or_, select, update

from bcsearch.storage.engine import changes_one
from bcsearch.storage.optuna_private import (
    BEATS,
    CONSTRAINT,
    FIXED_PARAMS,
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


def change_state(
    session: Session,
    trial_id: int,
    before: tuple[TrialState, ...],
    after: TrialState,
    *conditions: ColumnElement[bool],
) -> bool:
    """Set the state of a trial if it is one of ``before`` and ``conditions`` hold.

    Return whether it was set.
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    changes: dict[str, object] = {"state": after}
    if after is TrialState.RUNNING:
        changes["datetime_start"] = now
    if after.is_finished():
        changes["datetime_complete"] = now
    trial = TRIALS.c.trial_id == trial_id, TRIALS.c.state.in_(before)
    return changes_one(session, update(TRIALS).where(*trial, *conditions).values(changes))


def fail_if_stale(session: Session, trial_id: int, cutoff: datetime) -> bool:
    """Fail a RUNNING trial unless it has a heartbeat since ``cutoff``; return whether it failed."""
    beats = select(BEATS.c.trial_id).where(BEATS.c.trial_id == trial_id)
    is_alive = beats.where(BEATS.c.heartbeat >= cutoff).exists()
    return change_state(session, trial_id, (TrialState.RUNNING,), TrialState.FAIL, ~is_alive)


def stale_trial_ids(session: Session, study_id: int, cutoff: datetime) -> list[int]:
    """Return the RUNNING trials whose last heartbeat is before ``cutoff``.

    A trial without any heartbeat counts from its start.
    """
    lost_in_ask = and_(BEATS.c.heartbeat.is_(None), TRIALS.c.datetime_start < cutoff)
    statement = (
        select(TRIALS.c.trial_id)
        .outerjoin(BEATS, BEATS.c.trial_id == TRIALS.c.trial_id)
        .where(TRIALS.c.study_id == study_id, TRIALS.c.state == TrialState.RUNNING)
        .where(or_(BEATS.c.heartbeat < cutoff, lost_in_ask))
    )
    return list(session.execute(statement).scalars())


def runs_any(session: Session, study_id: int) -> bool:
    """Whether any trial of a study is RUNNING."""
    in_study = select(TRIALS.c.trial_id).where(TRIALS.c.study_id == study_id)
    running = in_study.where(TRIALS.c.state == TrialState.RUNNING)
    return session.execute(running.limit(1)).first() is not None


def fail_strays(session: Session, study_id: int) -> None:
    """Fail the WAITING trials of a study that are no start points."""
    fixed = SYSTEM_ATTRS.c.trial_id == TRIALS.c.trial_id, SYSTEM_ATTRS.c.key == FIXED_PARAMS
    starts = select(SYSTEM_ATTRS.c.trial_id).where(*fixed).exists()
    waiting = TRIALS.c.study_id == study_id, TRIALS.c.state == TrialState.WAITING
    session.execute(update(TRIALS).where(*waiting, ~starts).values(state=TrialState.FAIL))


def write_heartbeat(session: Session, trial_id: int) -> None:
    """Write the heartbeat of a trial by the clock of the database.

    Nothing is added for one that is not RUNNING.
    """
    refresh = update(BEATS).where(BEATS.c.trial_id == trial_id).values(heartbeat=func.now())
    if changes_one(session, refresh):
        return
    trial = select(TRIALS.c.trial_id, func.now()).where(TRIALS.c.trial_id == trial_id)
    running = trial.where(TRIALS.c.state == TrialState.RUNNING)
    session.execute(insert(BEATS).from_select(["trial_id", "heartbeat"], running))


def write_values(session: Session, trial_id: int, values: Sequence[float]) -> None:
    """Replace the values of a trial."""
    session.execute(delete(VALUES).where(VALUES.c.trial_id == trial_id))
    for objective, value in enumerate(values):
        stored, kind = stored_value(value)
        row = {"trial_id": trial_id, "objective": objective, "value": stored, "value_type": kind}
        session.execute(insert(VALUES).values(row))


def write_constraint(session: Session, study_id: int, number: int, value: float) -> None:
    """Write for the sampler whether a trial could be trained: above zero, it could not.

    Optuna's own method ignores a second value.
    """
    trial = TRIALS.c.study_id == study_id, TRIALS.c.number == number
    trial_id = select(TRIALS.c.trial_id).where(*trial).scalar_subquery()
    same = SYSTEM_ATTRS.c.trial_id == trial_id, SYSTEM_ATTRS.c.key == CONSTRAINT
    session.execute(delete(SYSTEM_ATTRS).where(*same))
    row = select(TRIALS.c.trial_id, literal(CONSTRAINT), literal(dumps(value))).where(*trial)
    session.execute(insert(SYSTEM_ATTRS).from_select(["trial_id", "key", "value_json"], row))


def state_of(session: Session, trial_id: int) -> TrialState:
    """Return the state of a trial.

    Raises:
        KeyError: there is no trial with this id.
    """
    statement = select(TRIALS.c.state).where(TRIALS.c.trial_id == trial_id)
    state: TrialState | None = session.execute(statement).scalar_one_or_none()
    if state is None:
        raise KeyError(f"no trial has id {trial_id}")
    return state
