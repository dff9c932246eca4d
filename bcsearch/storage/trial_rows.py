"""Statements on the rows of Optuna's trials: every change of state is one compare-and-set.

Imports sqlalchemy, optuna.

``SELECT ... FOR UPDATE``, which Optuna relies on, does nothing on SQLite. An UPDATE that names the
states it may leave from is atomic on every database: of two workers one changes the row, the other
is told that it did not.
"""

from __future__ import annotations

from datetime import UTC, datetime
from json import dumps
from typing import TYPE_CHECKING

from optuna.storages._rdb import models
from optuna.study._constrained_optimization import _CONSTRAINTS_KEY
from optuna.trial import TrialState
from sqlalchemy import and_, delete, func, insert, literal, or_, select, update

from bcsearch.storage.attrs import FEASIBLE
from bcsearch.storage.engine import changes_one
from bcsearch.storage.optuna_tables import BEATS, SYSTEM_ATTRS, TRIALS, VALUES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

CONSTRAINT = f"{_CONSTRAINTS_KEY}:{FEASIBLE}"
UNFINISHED = (TrialState.RUNNING, TrialState.WAITING)
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


def move(
    session: Session,
    trial_id: int,
    before: tuple[TrialState, ...],
    after: TrialState,
    started: datetime | None = None,
) -> bool:
    """Set the state of a trial if it is one of ``before``, and it ``started`` then if that is given; tell whether."""
    changes: dict[str, object] = {"state": after}
    if after is TrialState.RUNNING:
        changes["datetime_start"] = datetime.now(UTC).replace(tzinfo=None)
    if after.is_finished():
        changes["datetime_complete"] = datetime.now(UTC).replace(tzinfo=None)
    statement = update(TRIALS).where(_is(trial_id), TRIALS.c.state.in_(before))
    if started is not None:
        statement = statement.where(TRIALS.c.datetime_start == started)
    return changes_one(session, statement.values(changes))


def start_of(session: Session, trial_id: int) -> datetime | None:
    """Return when a trial was started last, as the database keeps it; None where there is none."""
    started: datetime | None = session.execute(
        select(TRIALS.c.datetime_start).where(_is(trial_id))
    ).scalar_one_or_none()
    return started


def fail_if_stale(session: Session, trial_id: int, cutoff: datetime) -> bool:
    """Fail a RUNNING trial unless a heartbeat came since ``cutoff``; tell whether it was failed."""
    alive = (
        select(BEATS.c.trial_id)
        .where(BEATS.c.trial_id == trial_id, BEATS.c.heartbeat >= cutoff)
        .exists()
    )
    now = datetime.now(UTC).replace(tzinfo=None)
    running = TRIALS.c.state == TrialState.RUNNING
    statement = update(TRIALS).where(_is(trial_id), running, ~alive)
    return changes_one(session, statement.values(state=TrialState.FAIL, datetime_complete=now))


def stale_trial_ids(session: Session, study_id: int, cutoff: datetime) -> list[int]:
    """Return the RUNNING trials whose last heartbeat, or start where there is no heartbeat, is before ``cutoff``."""
    lost = and_(BEATS.c.heartbeat.is_(None), TRIALS.c.datetime_start < cutoff)
    statement = (
        select(TRIALS.c.trial_id)
        .outerjoin(BEATS, BEATS.c.trial_id == TRIALS.c.trial_id)
        .where(TRIALS.c.study_id == study_id, TRIALS.c.state == TrialState.RUNNING)
        .where(or_(BEATS.c.heartbeat < cutoff, lost))
    )
    return list(session.execute(statement).scalars())


def runs_any(session: Session, study_id: int) -> bool:
    """Whether any trial of a study is RUNNING."""
    running = select(TRIALS.c.trial_id).where(
        TRIALS.c.study_id == study_id, TRIALS.c.state == TrialState.RUNNING
    )
    return session.execute(running.limit(1)).first() is not None


def beat(session: Session, trial_id: int) -> None:
    """Write the heartbeat of a trial by the clock of the database.

    Nothing is added for one that is not RUNNING.
    """
    refresh = update(BEATS).where(BEATS.c.trial_id == trial_id).values(heartbeat=func.now())
    if changes_one(session, refresh):
        return
    running = select(literal(trial_id), func.now()).where(
        select(TRIALS.c.trial_id)
        .where(_is(trial_id), TRIALS.c.state == TrialState.RUNNING)
        .exists()
    )
    session.execute(insert(BEATS).from_select(["trial_id", "heartbeat"], running))


def forget_beat(session: Session, trial_id: int) -> None:
    """Remove the heartbeat of a trial that nobody runs."""
    session.execute(delete(BEATS).where(BEATS.c.trial_id == trial_id))


def write_values(session: Session, trial_id: int, values: Sequence[float]) -> None:
    """Replace the values of a trial."""
    session.execute(delete(VALUES).where(VALUES.c.trial_id == trial_id))
    for objective, value in enumerate(values):
        stored, kind = models.TrialValueModel.value_to_stored_repr(value)
        row = {"trial_id": trial_id, "objective": objective, "value": stored, "value_type": kind}
        session.execute(insert(VALUES).values(row))


def write_constraint(session: Session, study_id: int, number: int, value: float) -> None:
    """Tell the sampler whether a trial could be trained: above zero means that it could not.

    In Optuna's own way, a second value would be passed over.
    """
    trial_id = select(TRIALS.c.trial_id).where(
        TRIALS.c.study_id == study_id, TRIALS.c.number == number
    )
    mine = and_(
        SYSTEM_ATTRS.c.trial_id == trial_id.scalar_subquery(), SYSTEM_ATTRS.c.key == CONSTRAINT
    )
    session.execute(delete(SYSTEM_ATTRS).where(mine))
    row = select(TRIALS.c.trial_id, literal(CONSTRAINT), literal(dumps(value)))
    row = row.where(TRIALS.c.study_id == study_id, TRIALS.c.number == number)
    session.execute(insert(SYSTEM_ATTRS).from_select(["trial_id", "key", "value_json"], row))


def state_of(session: Session, trial_id: int) -> TrialState:
    """Return the state of a trial. Raises KeyError where there is none, as Optuna's storages do."""
    state: TrialState | None = session.execute(
        select(TRIALS.c.state).where(_is(trial_id))
    ).scalar_one_or_none()
    if state is None:
        raise KeyError(f"no trial has id {trial_id}")
    return state


def _is(trial_id: int) -> ColumnElement[bool]:
    same: ColumnElement[bool] = TRIALS.c.trial_id == trial_id
    return same
