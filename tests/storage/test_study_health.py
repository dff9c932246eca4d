from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import optuna
import pytest
from optuna.trial import TrialState as OptunaState
from sqlalchemy import delete, update

from bcsearch.records import TrialState
from bcsearch.storage import Slots, Storage
from bcsearch.storage.engine import database_now, transaction
from bcsearch.storage.forecasts import keep_forecast
from bcsearch.storage.optuna_tables import BEATS
from bcsearch.storage.study_health import StudyHealth, read_health
from tests.fakes import make_forecast
from tests.storage.workers import NAME, make_study, score

if TYPE_CHECKING:
    from pathlib import Path

    from optuna import Study


@pytest.fixture
def study(storage: Storage) -> Study:
    return make_study(storage)


def health(url: str) -> StudyHealth:
    return read_health(url, NAME, "u-1")


def fill(storage: Storage, study: Study, worker: str, *, ends: bool = True) -> int:
    """Claim a slot, start a trial in it, and end that; return its number."""
    slots = Slots(storage, study)
    slot = slots.claim(worker)
    trial_id = storage.create_new_trial(study._study_id)
    number = storage.get_trial(trial_id).number
    assert slot is not None
    assert slots.bind(slot, number)
    if ends:
        storage.set_trial_state_values(trial_id, OptunaState.COMPLETE, [0.5])
    return number


def test_trials_are_counted_by_state(url: str, study: Study) -> None:
    study.optimize(score, n_trials=3)
    study.enqueue_trial({"x": 0.5})
    found = health(url)
    assert found.counts == {TrialState.COMPLETE: 3, TrialState.WAITING: 1}
    assert found.finished == 3


def test_claims_tell_worker_trial_and_times_of_both_clocks(
    url: str, storage: Storage, study: Study
) -> None:
    slots = Slots(storage, study)
    slots.ensure_slots(4)
    fill(storage, study, "a-1")
    fill(storage, study, "b-2", ends=False)
    slots.claim("c-3")
    found = health(url)
    claims = {claim.worker: claim for claim in found.claims}
    assert {worker: (claim.trial, claim.state) for worker, claim in claims.items()} == {
        "a-1": (0, TrialState.COMPLETE),
        "b-2": (1, TrialState.RUNNING),
        "c-3": (None, None),
    }
    first, second = claims["a-1"], claims["b-2"]
    assert first.started is not None
    assert first.ended is not None
    assert (
        first.claimed - timedelta(seconds=1)
        <= first.started
        <= first.ended
        <= found.now + timedelta(seconds=2)
    )
    assert (second.started is None, second.ended) == (False, None)
    assert [(trial.number, trial.worker) for trial in found.running] == [(1, "b-2")]


def test_silence_counts_from_the_heartbeat(url: str, storage: Storage, study: Study) -> None:
    storage.create_new_trial(study._study_id)
    assert health(url).stale(60) == ()
    with transaction(storage.engine) as session:
        session.execute(
            update(BEATS).values(heartbeat=database_now(session) - timedelta(seconds=300))
        )
    (lost,) = health(url).stale(60)
    assert (lost.number, lost.has_heartbeat, lost.worker) == (0, True, None)
    assert 300 <= lost.silent_seconds < 330
    assert health(url).stale(600) == ()


def test_trial_without_a_heartbeat_is_told_and_silent_since_its_start(
    url: str, storage: Storage, study: Study
) -> None:
    storage.create_new_trial(study._study_id)
    with transaction(storage.engine) as session:
        session.execute(delete(BEATS))
    (trial,) = health(url).running
    assert not trial.has_heartbeat
    assert trial.silent_seconds < 30


def test_forecast_cache_is_told_where_there_is_a_forecast(url: str, study: Study) -> None:
    assert health(url).cache_bytes is None
    keep_forecast(study, make_forecast(5))
    assert health(url).cache_bytes == make_forecast(5).work.cache_bytes


def test_study_of_plain_optuna_has_no_claims(tmp_path: Path) -> None:
    plain = optuna.storages.RDBStorage(f"sqlite:///{tmp_path / 'plain.db'}")
    optuna.create_study(storage=plain, study_name="plain").optimize(
        lambda trial: trial.suggest_float("x", 0, 1), 2
    )
    plain.engine.dispose()
    found = read_health(str(tmp_path / "plain.db"), "plain", "")
    assert (found.finished, found.claims, found.running) == (2, (), ())
