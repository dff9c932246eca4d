"""What an infeasible trial takes over from the attempt that was lost last: slot and row.

Imports sqlalchemy.
"""

from __future__ import annotations

from json import loads
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from bcsearch.records import TrialState
from bcsearch.storage.attrs import UUID
from bcsearch.storage.optuna_tables import STUDY_ATTRS
from bcsearch.storage.tables import LEDGER, SLOTS

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def has_ended(session: Session, study_id: int, number: int) -> bool:
    """Whether the ledger tells how a trial ended: its worker was lost after that, so another try costs nothing."""
    uuid = _uuid(session, study_id)
    state = select(LEDGER.c.state).where(
        LEDGER.c.study_uuid == uuid, LEDGER.c.trial_number == number
    )
    return session.execute(state).scalar_one_or_none() not in (None, TrialState.RUNNING.value)


def may_succeed(session: Session, study_id: int, number: int) -> bool:
    """Whether an infeasible trial may come after a trial: more than the budget would be done where that has no slot.

    Its worker was lost between asking for it and the objective's first act, which is to bind it to
    a slot. That tells nothing of its configuration.
    """
    slots = select(SLOTS.c.trial_number).where(SLOTS.c.study_uuid == _uuid(session, study_id))
    numbers = set(session.execute(slots).scalars())
    return not numbers or number in numbers


def succeed(session: Session, study_id: int, lost: int, infeasible: int) -> None:
    """Put trial ``infeasible`` into the slot of trial ``lost``, so that it counts, and keep its configuration."""
    uuid = _uuid(session, study_id)
    slot = SLOTS.c.study_uuid == uuid, SLOTS.c.trial_number == lost
    session.execute(
        update(SLOTS).where(*slot).values(trial_number=infeasible, version=SLOTS.c.version + 1)
    )
    row = LEDGER.c.study_uuid == uuid, LEDGER.c.trial_number == lost
    session.execute(
        update(LEDGER)
        .where(*row)
        .values(trial_number=infeasible, state=TrialState.INFEASIBLE.value)
    )


def _uuid(session: Session, study_id: int) -> str:
    """Return the uuid of a study; nothing, which no row has, for one of plain Optuna."""
    mine = STUDY_ATTRS.c.study_id == study_id, STUDY_ATTRS.c.key == UUID
    text = session.execute(select(STUDY_ATTRS.c.value_json).where(*mine)).scalar_one_or_none()
    return "" if text is None else str(loads(text))
