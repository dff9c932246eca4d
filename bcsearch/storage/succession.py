"""What an infeasible trial takes over from the attempt that was lost last: slot and row. Imports sqlalchemy."""

from __future__ import annotations

from json import loads
from typing import TYPE_CHECKING

from optuna.storages._rdb import models
from sqlalchemy import select, update

from bcsearch.records import TrialState
from bcsearch.storage.attrs import UUID
from bcsearch.storage.tables import LEDGER, SLOTS

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

STUDY_ATTRS = models.StudyUserAttributeModel.__table__


def succeed(session: Session, study_id: int, lost: int, infeasible: int) -> None:
    """Put trial ``infeasible`` into the slot of trial ``lost``, so that it counts, and keep its configuration."""
    mine = STUDY_ATTRS.c.study_id == study_id, STUDY_ATTRS.c.key == UUID
    text = session.execute(select(STUDY_ATTRS.c.value_json).where(*mine)).scalar_one_or_none()
    if text is None:  # a study of plain Optuna
        return
    slot = SLOTS.c.study_uuid == loads(text), SLOTS.c.trial_number == lost
    session.execute(update(SLOTS).where(*slot).values(trial_number=infeasible, version=SLOTS.c.version + 1))
    row = LEDGER.c.study_uuid == loads(text), LEDGER.c.trial_number == lost
    session.execute(update(LEDGER).where(*row).values(trial_number=infeasible, state=TrialState.INFEASIBLE.value))
