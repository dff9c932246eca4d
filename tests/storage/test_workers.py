from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from optuna.trial import TrialState

from bcsearch.storage import Slots
from bcsearch.storage.attrs import FAILED_TRIAL, RETRY_HISTORY
from tests.storage.workers import (
    create,
    fill,
    hang_in_ask,
    hang_in_objective,
    killed,
    make_study,
    pop_all,
    together,
    work,
)

if TYPE_CHECKING:
    from bcsearch.storage import Storage

pytestmark = pytest.mark.slow


def test_eight_processes_pop_each_waiting_trial_once(url: str, storage: Storage) -> None:
    study = make_study(storage)
    for index in range(40):
        study.enqueue_trial({"x": index / 40})
    popped = [trial_id for ids in together(pop_all, url, 8) for trial_id in ids]
    assert sorted(popped) == [trial._trial_id for trial in study.trials]
    assert {trial.state for trial in study.trials} == {TrialState.RUNNING}


def test_four_processes_fill_the_budget_exactly(url: str, storage: Storage) -> None:
    study = make_study(storage)
    study.enqueue_trial({"x": 0.25, "kind": "a"})
    Slots(storage, study).ensure_slots(30)
    together(fill, url, 4)
    states = Counter(trial.state for trial in study.trials)
    assert states == {TrialState.COMPLETE: 30}
    assert [trial.params["x"] for trial in study.trials].count(0.25) == 1
    counts = Slots(storage, study).counts()
    assert (counts.finished, counts.total) == (30, 30)


def test_trial_of_a_killed_worker_is_retried_once_with_its_params(
    url: str, storage: Storage
) -> None:
    study = make_study(storage)
    Slots(storage, study).ensure_slots(3)
    killed(hang_in_objective, url)
    work(storage, study, "survivor")
    failed = [trial for trial in study.trials if trial.state is TrialState.FAIL]
    retries = [trial for trial in study.trials if RETRY_HISTORY in trial.user_attrs]
    assert [trial.number for trial in failed] == [0]
    assert [trial.params for trial in retries] == [failed[0].params]
    assert retries[0].user_attrs[RETRY_HISTORY] == [retries[0].user_attrs[FAILED_TRIAL]] == [0]
    assert sum(trial.state is TrialState.COMPLETE for trial in study.trials) == 3
    assert len(study.trials) == 4


def test_worker_killed_inside_ask_is_reaped(url: str, storage: Storage) -> None:
    study = make_study(storage)
    Slots(storage, study).ensure_slots(2)
    killed(hang_in_ask, url)
    assert [trial.state for trial in study.trials] == [TrialState.RUNNING]
    work(storage, study, "survivor")
    states = Counter(trial.state for trial in study.trials)
    assert (states[TrialState.FAIL], states[TrialState.COMPLETE], states[TrialState.RUNNING]) == (
        1,
        2,
        0,
    )
    # its slot was claimed before its trial was asked for, so it may be free before the trial is
    # stale
    assert states[TrialState.WAITING] <= 1


def test_processes_may_create_one_database_together(empty_url: str) -> None:
    versions = together(create, empty_url, 4)
    assert len({version for answer in versions for version in answer}) == 1
