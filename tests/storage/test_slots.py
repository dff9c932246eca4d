from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from optuna.trial import TrialState
from sqlalchemy import update

from bcsearch.storage import SlotCounts, Slots, Storage
from bcsearch.storage.engine import database_now, transaction
from bcsearch.storage.tables import SLOTS
from tests.storage.workers import make_study

if TYPE_CHECKING:
    from optuna import Study


@pytest.fixture
def study(storage: Storage) -> Study:
    return make_study(storage)


@pytest.fixture
def slots(storage: Storage, study: Study) -> Slots:
    made = Slots(storage, study)
    made.ensure_slots(2)
    return made


def start(study: Study, slots: Slots, worker: str = "w") -> int:
    """Claim a slot, start a trial in it, and return the trial's id."""
    slot = slots.claim(worker)
    assert slot is not None
    popped = study._pop_waiting_trial_id()
    trial_id = study._storage.create_new_trial(study._study_id) if popped is None else popped
    assert slots.bind(slot, study._storage.get_trial(trial_id).number)
    return trial_id


def counts(free: int = 0, claimed: int = 0, running: int = 0, finished: int = 0) -> SlotCounts:
    return SlotCounts(free=free, claimed=claimed, running=running, finished=finished)


def test_each_slot_is_claimed_once(slots: Slots) -> None:
    assert {slots.claim("a"), slots.claim("b")} == {0, 1}
    assert slots.claim("c") is None
    assert slots.counts() == counts(claimed=2)


def test_study_without_slots_is_not_done() -> None:
    assert not counts().is_done


def test_slot_follows_its_trial(storage: Storage, study: Study, slots: Slots) -> None:
    trial_id = start(study, slots)
    assert slots.counts() == counts(free=1, running=1)
    storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [1.0])
    assert slots.counts() == counts(free=1, finished=1)


@pytest.mark.parametrize("state", [TrialState.COMPLETE, TrialState.PRUNED])
def test_budget_is_done_when_every_trial_completed_or_was_pruned(
    storage: Storage, study: Study, slots: Slots, state: TrialState
) -> None:
    for _ in range(2):
        storage.set_trial_state_values(start(study, slots), state)
    assert slots.counts().is_done
    assert slots.claim("w") is None


def test_failed_trial_frees_its_slot(storage: Storage, study: Study, slots: Slots) -> None:
    storage.set_trial_state_values(start(study, slots), TrialState.FAIL)
    assert slots.counts() == counts(free=2)


def test_released_trial_fills_one_slot_whichever_takes_it_up(
    storage: Storage, study: Study, slots: Slots
) -> None:
    released = start(study, slots)
    storage.release(released)
    assert slots.counts() == counts(free=2)
    first, second = slots.claim("a"), slots.claim("b")
    assert first is not None
    assert second is not None
    assert study._pop_waiting_trial_id() == released
    assert slots.bind(second, 0)
    assert slots.counts() == counts(claimed=1, running=1)


def test_claim_without_a_trial_expires(storage: Storage, slots: Slots) -> None:
    claimed = {slots.claim("a"), slots.claim("b")}
    with transaction(storage.engine) as session:
        session.execute(
            update(SLOTS).values(claimed_at=database_now(session) - timedelta(seconds=10))
        )
    assert slots.counts() == counts(free=2)
    assert slots.claim("c") in claimed


def test_slot_takes_one_of_two_trials(slots: Slots) -> None:
    slot = slots.claim("late")
    assert slot is not None
    assert slots.bind(slot, 7)
    assert not slots.bind(slot, 8)
    assert slots.bind(slot, 7)


def test_claim_that_came_to_nothing_is_given_back(slots: Slots) -> None:
    slot = slots.claim("a")
    assert slot is not None
    slots.give_back(slot)
    assert slots.counts() == counts(free=2)


def test_bound_slot_is_not_given_back(study: Study, slots: Slots) -> None:
    start(study, slots)
    slots.give_back(0)
    slots.give_back(1)
    assert slots.counts() == counts(free=1, running=1)


def test_slot_that_another_worker_took_over_is_not_given_back(
    storage: Storage, study: Study, slots: Slots
) -> None:
    slots.ensure_slots(1)
    storage.set_trial_state_values(start(study, slots), TrialState.FAIL)
    assert Slots(storage, study).claim("another") == 0
    slots.give_back(0)
    assert slots.counts() == counts(claimed=1)


def test_raising_the_budget_adds_slots(slots: Slots) -> None:
    slots.ensure_slots(5)
    slots.ensure_slots(5)
    assert slots.counts() == counts(free=5)


def test_lowering_the_budget_keeps_what_finished_or_runs(
    storage: Storage, study: Study, slots: Slots
) -> None:
    slots.ensure_slots(5)
    storage.set_trial_state_values(start(study, slots), TrialState.COMPLETE, [1.0])
    start(study, slots)
    slots.ensure_slots(1)
    assert slots.counts() == counts(running=1, finished=1)
    slots.ensure_slots(3)
    assert slots.counts() == counts(free=1, running=1, finished=1)


def test_slots_of_two_studies_do_not_mix(storage: Storage, slots: Slots) -> None:
    other = Slots(storage, make_study(storage, "other", "u-2"))
    other.ensure_slots(3)
    assert (slots.counts().total, other.counts().total) == (2, 3)
