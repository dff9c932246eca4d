"""What takes the place of a trial whose worker was lost: a retry, or an infeasible trial."""

from __future__ import annotations

from datetime import datetime
from json import loads
from typing import TYPE_CHECKING

from optuna.trial import FrozenTrial, create_trial
from optuna.trial import TrialState as OptunaState
from sqlalchemy import select, update

from bcsearch.records import TrialState
from bcsearch.storage.attrs import FAILED_TRIAL, NOTE, RETRY_HISTORY, UUID
from bcsearch.storage.optuna_private import FIXED_PARAMS, STUDY_ATTRS
from bcsearch.storage.tables import LEDGER, SLOTS

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def successor_of(
    session: Session, study_id: int, failed: FrozenTrial, max_retries: int
) -> FrozenTrial | None:
    """Return the trial that follows a failed one; None where nothing does.

    Two failures do not use up a retry: a worker lost after the ledger had the result, and one lost
    between asking for the trial and binding it to a slot, which tells nothing of its configuration.
    The latter is not followed by an infeasible trial either, as that would exceed the budget.
    """
    uuid = _uuid(session, study_id)
    slots = select(SLOTS.c.trial_number).where(SLOTS.c.study_uuid == uuid)
    bound = set(session.execute(slots).scalars())
    has_slot = not bound or failed.number in bound
    of_trial = LEDGER.c.study_uuid == uuid, LEDGER.c.trial_number == failed.number
    state = session.execute(select(LEDGER.c.state).where(*of_trial)).scalar_one_or_none()
    if not has_slot or state not in (None, TrialState.RUNNING.value):
        max_retries += 1
    earlier = failed.user_attrs.get(RETRY_HISTORY, [])
    if len(earlier) < max_retries:
        return _retry_of(failed, [*earlier, failed.number])
    if has_slot:
        return _infeasible_of(failed, len(earlier) + 1)
    return None


def take_over(session: Session, study_id: int, lost: int, infeasible: int) -> None:
    """Put trial ``infeasible`` into the slot of trial ``lost``, so that it counts.

    It keeps the configuration that the ledger holds of the lost one.
    """
    uuid = _uuid(session, study_id)
    slot = update(SLOTS).where(SLOTS.c.study_uuid == uuid, SLOTS.c.trial_number == lost)
    session.execute(slot.values(trial_number=infeasible, version=SLOTS.c.version + 1))
    entry = update(LEDGER).where(LEDGER.c.study_uuid == uuid, LEDGER.c.trial_number == lost)
    state = TrialState.INFEASIBLE.value
    session.execute(entry.values(trial_number=infeasible, state=state))


def _retry_of(failed: FrozenTrial, history: list[int]) -> FrozenTrial:
    """Return a WAITING trial with the params of ``failed``.

    Reports are not copied: the retry reports every step again, those before its checkpoint at
    once. What a start point fixed is copied: the lost worker may not have drawn all of it.
    """
    fixed = {key: value for key, value in failed.system_attrs.items() if key == FIXED_PARAMS}
    return create_trial(
        state=OptunaState.WAITING,
        params=failed.params,
        distributions=failed.distributions,
        user_attrs={**failed.user_attrs, FAILED_TRIAL: history[0], RETRY_HISTORY: history},
        system_attrs=fixed,
    )


def _infeasible_of(failed: FrozenTrial, attempts: int) -> FrozenTrial:
    """Return a PRUNED trial that tells the sampler to avoid the params of ``failed``.

    A worker that is lost each time was most likely killed by the kernel for the memory it took.
    """
    note = f"its worker was lost {attempts} times, out of memory perhaps"
    found = create_trial(
        state=OptunaState.PRUNED,
        params=failed.params,
        distributions=failed.distributions,
        user_attrs={**failed.user_attrs, NOTE: note},
        constraints={"feasible": 1.0},
    )
    found.datetime_start = failed.datetime_start
    found.datetime_complete = datetime.now()  # local, as Optuna's are
    return found


def _uuid(session: Session, study_id: int) -> str:
    """Return the uuid of a study; empty for one of plain Optuna."""
    mine = STUDY_ATTRS.c.study_id == study_id, STUDY_ATTRS.c.key == UUID
    text = session.execute(select(STUDY_ATTRS.c.value_json).where(*mine)).scalar_one_or_none()
    return str(loads(text or '""'))
