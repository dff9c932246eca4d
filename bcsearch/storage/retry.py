"""What replaces a trial whose worker was lost: a retry, or a trial known to be infeasible."""

from __future__ import annotations

from datetime import datetime
from json import loads
from typing import TYPE_CHECKING

from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy import select, update

from bcsearch import records
from bcsearch.storage.attrs import FAILED_TRIAL, FEASIBLE, NOTE, RETRY_HISTORY, UUID
from bcsearch.storage.optuna_private import FIXED_PARAMS, STUDY_ATTRS
from bcsearch.storage.tables import LEDGER, SLOTS

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def replacement_of(
    session: Session, study_id: int, failed: FrozenTrial, max_retries: int
) -> FrozenTrial | None:
    """Return the trial that replaces ``failed``; None where it is given up.

    A try after the ledger knows how the trial ended costs nothing, and one that was lost before it
    had a slot says nothing of its params: neither counts. A trial without a slot is never replaced
    by an infeasible one, as more than the budget would be done.
    """
    uuid = _uuid(session, study_id)
    entry = LEDGER.c.study_uuid == uuid, LEDGER.c.trial_number == failed.number
    state = session.execute(select(LEDGER.c.state).where(*entry)).scalar_one_or_none()
    has_ended = state not in (None, records.TrialState.RUNNING.value)
    slots = select(SLOTS.c.trial_number).where(SLOTS.c.study_uuid == uuid)
    numbers = set(session.execute(slots).scalars())
    has_slot = not numbers or failed.number in numbers
    if has_ended or not has_slot:
        max_retries += 1
    retry = retry_of(failed, max_retries)
    if retry is None and has_slot:
        return infeasible_of(failed)
    return retry


def retry_of(failed: FrozenTrial, max_retries: int) -> FrozenTrial | None:
    """Return a WAITING trial with the params of ``failed``, or None after ``max_retries``.

    Reports are not copied: the retry reports every step again, those before its checkpoint at once.
    The params of a start point are copied, as the lost worker may not have drawn them all.
    """
    history = [*failed.user_attrs.get(RETRY_HISTORY, []), failed.number]
    if len(history) > max_retries:
        return None
    return create_trial(
        state=TrialState.WAITING,
        params=failed.params,
        distributions=failed.distributions,
        user_attrs={**failed.user_attrs, FAILED_TRIAL: history[0], RETRY_HISTORY: history},
        system_attrs={k: value for k, value in failed.system_attrs.items() if k == FIXED_PARAMS},
    )


def infeasible_of(failed: FrozenTrial) -> FrozenTrial:
    """Return a PRUNED trial that tells the sampler to avoid the params of ``failed``.

    A worker that is lost each time it trains them was most likely killed by the kernel, for the
    memory it took.
    """
    attempts = len(failed.user_attrs.get(RETRY_HISTORY, [])) + 1
    note = f"its worker was lost {attempts} times, out of memory perhaps"
    found = create_trial(
        state=TrialState.PRUNED,
        params=failed.params,
        distributions=failed.distributions,
        user_attrs={**failed.user_attrs, NOTE: note},
        constraints={FEASIBLE: 1.0},
    )
    found.datetime_start = failed.datetime_start
    found.datetime_complete = datetime.now()  # local, as Optuna's times are
    return found


def move_to_infeasible(session: Session, study_id: int, lost: int, infeasible: int) -> None:
    """Give slot and ledger row of trial ``lost`` to trial ``infeasible``, so that it counts."""
    uuid = _uuid(session, study_id)
    slot = SLOTS.c.study_uuid == uuid, SLOTS.c.trial_number == lost
    changes = {"trial_number": infeasible, "version": SLOTS.c.version + 1}
    session.execute(update(SLOTS).where(*slot).values(changes))
    row = LEDGER.c.study_uuid == uuid, LEDGER.c.trial_number == lost
    state = records.TrialState.INFEASIBLE.value
    session.execute(update(LEDGER).where(*row).values(trial_number=infeasible, state=state))


def _uuid(session: Session, study_id: int) -> str:
    """Return the uuid of a study; empty, which no row has, for a study of plain Optuna."""
    uuid = STUDY_ATTRS.c.study_id == study_id, STUDY_ATTRS.c.key == UUID
    text = session.execute(select(STUDY_ATTRS.c.value_json).where(*uuid)).scalar_one_or_none()
    if text is None:
        return ""
    return str(loads(text))
