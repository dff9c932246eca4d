from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import optuna
import pytest
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy import delete, event, func, select, update
from sqlalchemy.exc import OperationalError

from bcsearch.config import Limits
from bcsearch.storage import Slots, Storage
from bcsearch.storage.attrs import NOTE, RETRY_HISTORY
from bcsearch.storage.engine import database_now, transaction
from bcsearch.storage.optuna_private import BEATS, TRIALS
from tests.storage.workers import make_study, score

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optuna import Study, Trial


MAX_RETRIES = Limits().retries


def silence(storage: Storage, trial_id: int, seconds: float = 60) -> None:
    """Make the last heartbeat of a trial older."""
    with transaction(storage.engine) as session:
        then = database_now(session) - timedelta(seconds=seconds)
        session.execute(update(BEATS).where(BEATS.c.trial_id == trial_id).values(heartbeat=then))


def n_beats(storage: Storage) -> int:
    with transaction(storage.engine) as session:
        return session.execute(select(func.count()).select_from(BEATS)).scalar_one()


def running(study: Study) -> int:
    """Start a trial as ``optimize`` does and return its id."""
    popped = study._pop_waiting_trial_id()
    return study._storage.create_new_trial(study._study_id) if popped is None else popped


def ask(study: Study) -> Trial:
    return optuna.Trial(study, running(study))


def test_waiting_trial_starts_once_and_with_a_heartbeat(storage: Storage) -> None:
    study = make_study(storage)
    study.enqueue_trial({"x": 0.5})
    trial_id = study.trials[0]._trial_id
    assert n_beats(storage) == 0
    assert storage.set_trial_state_values(trial_id, TrialState.RUNNING)
    assert n_beats(storage) == 1
    assert not storage.set_trial_state_values(trial_id, TrialState.RUNNING)


def test_new_trial_has_a_heartbeat_from_its_first_moment(storage: Storage) -> None:
    running(make_study(storage))
    assert n_beats(storage) == 1


def test_finished_trial_is_not_finished_again(storage: Storage) -> None:
    trial_id = running(make_study(storage))
    storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [0.5])
    with pytest.raises(optuna.exceptions.UpdateFinishedTrialError):
        storage.set_trial_state_values(trial_id, TrialState.FAIL)
    assert storage.get_trial(trial_id).value == 0.5


def test_release_keeps_number_params_and_reports(storage: Storage) -> None:
    study = make_study(storage)
    trial = ask(study)
    score(trial)
    before = storage.get_trial(trial._trial_id)
    assert storage.release(trial._trial_id)
    after = storage.get_trial(trial._trial_id)
    assert after.state is TrialState.WAITING
    assert (after.number, after.params) == (before.number, before.params)
    assert after.intermediate_values == before.intermediate_values != {}
    assert n_beats(storage) == 0


def test_released_trial_is_popped_once_and_suggests_what_it_had(storage: Storage) -> None:
    study = make_study(storage)
    trial = ask(study)
    value = score(trial)
    storage.release(trial._trial_id)
    again = ask(study)
    assert again.number == trial.number
    assert again.suggest_float("x", 0, 1) == value
    assert study._pop_waiting_trial_id() is None


def test_only_a_running_trial_is_released(storage: Storage) -> None:
    study = make_study(storage)
    trial_id = running(study)
    assert storage.release(trial_id)
    assert not storage.release(trial_id)


def test_worker_that_released_a_trial_cannot_end_the_next_attempt(
    url: str, storage: Storage
) -> None:
    study = make_study(storage)
    trial_id = running(study)
    storage.release(trial_id)
    other = Storage(url)
    assert other.set_trial_state_values(trial_id, TrialState.RUNNING)
    assert not storage.set_trial_state_values(trial_id, TrialState.FAIL)
    assert storage.get_trial(trial_id).state is TrialState.RUNNING
    assert other.set_trial_state_values(trial_id, TrialState.COMPLETE, [1.0])
    other.engine.dispose()


def test_worker_that_pops_what_it_released_can_end_it(storage: Storage) -> None:
    study = make_study(storage)
    storage.release(running(study))
    trial_id = running(study)
    assert storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [1.0])


def test_silent_trial_fails_and_its_retry_waits_with_the_same_params(storage: Storage) -> None:
    study = make_study(storage)
    trial = ask(study)
    score(trial)
    assert storage.fail_stale(study) == []
    silence(storage, trial._trial_id)
    assert storage.fail_stale(study) == [0]
    failed, retry = study.trials
    assert (failed.state, retry.state) == (TrialState.FAIL, TrialState.WAITING)
    assert retry.params == failed.params
    assert retry.intermediate_values == {}
    assert score(ask(study)) == failed.params["x"]


def test_start_point_lost_before_it_drew_anything_is_retried_as_asked(storage: Storage) -> None:
    study = make_study(storage)
    study.enqueue_trial({"x": 0.125}, user_attrs={"start": "first"})
    silence(storage, running(study))
    storage.fail_stale(study)
    retry = ask(study)
    assert retry.suggest_float("x", 0, 1) == 0.125
    assert retry.user_attrs["start"] == "first"


def test_trial_whose_worker_is_lost_each_time_is_infeasible_and_known_to_the_sampler(
    storage: Storage,
) -> None:
    study = make_study(storage)
    study.enqueue_trial({"x": 0.125})
    trial = ask(study)
    assert trial.suggest_float("x", 0, 1) == 0.125
    silence(storage, trial._trial_id)
    storage.fail_stale(study)
    for _ in range(MAX_RETRIES):
        silence(storage, running(study))
        storage.fail_stale(study)
    *attempts, last = study.trials
    assert [attempt.state for attempt in attempts] == [TrialState.FAIL] * (MAX_RETRIES + 1)
    assert attempts[-1].user_attrs[RETRY_HISTORY] == list(range(MAX_RETRIES))
    assert (last.state, last.params) == (TrialState.PRUNED, {"x": 0.125})
    assert last.constraints == {"feasible": 1.0}
    assert last.user_attrs[NOTE] == "its worker was lost 4 times, out of memory perhaps"
    assert last.datetime_start is not None
    assert last.duration is not None
    assert abs(last.duration.total_seconds()) < 60


def test_infeasible_trial_takes_the_slot_of_its_last_attempt(storage: Storage) -> None:
    study = make_study(storage)
    slots = Slots(storage, study)
    slots.ensure_slots(1)
    for attempt in range(MAX_RETRIES + 1):
        slot = slots.claim("worker")
        assert slot is not None
        trial_id = running(study)
        assert slots.bind(slot, attempt)
        silence(storage, trial_id)
        storage.fail_stale(study)
    assert slots.counts().is_done
    assert slots.claim("worker") is None


def test_trial_lost_before_it_had_a_slot_does_not_count_and_is_tried_once_more(
    storage: Storage,
) -> None:
    study = make_study(storage)
    storage.max_retries = 0
    slots = Slots(storage, study)
    slots.ensure_slots(1)
    assert slots.claim("lost in ask") is not None
    silence(storage, running(study))
    assert storage.fail_stale(study) == [0]
    assert [trial.state for trial in study.trials] == [TrialState.FAIL, TrialState.WAITING]
    silence(storage, running(study))
    assert storage.fail_stale(study) == [1]
    assert [trial.state for trial in study.trials] == [TrialState.FAIL, TrialState.FAIL]
    assert slots.counts().finished == 0


def test_running_trial_without_any_heartbeat_is_reaped_after_the_grace(storage: Storage) -> None:
    study = make_study(storage)
    trial_id = running(study)
    with transaction(storage.engine) as session:
        session.execute(delete(BEATS))
    assert storage.fail_stale(study) == []
    with transaction(storage.engine) as session:
        long_ago = database_now(session) - timedelta(seconds=60)
        session.execute(
            update(TRIALS).where(TRIALS.c.trial_id == trial_id).values(datetime_start=long_ago)
        )
    assert storage.fail_stale(study) == [0]


def test_each_optimize_reaps_first(storage: Storage) -> None:
    study = make_study(storage)
    silence(storage, running(study))
    study.optimize(score, n_trials=1)
    assert [trial.state for trial in study.trials] == [TrialState.FAIL, TrialState.COMPLETE]


def test_heartbeat_of_a_released_trial_is_not_written(storage: Storage) -> None:
    trial_id = running(make_study(storage))
    storage.release(trial_id)
    storage.record_heartbeat(trial_id)
    assert n_beats(storage) == 0


def test_heartbeat_survives_a_database_that_does_not_answer(
    storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    trial_id = running(make_study(storage))
    storage.record_heartbeat(trial_id)  # the first, which was written with the trial
    silence(storage, trial_id)

    def refuse(*_: object) -> None:
        raise OperationalError("UPDATE", {}, Exception("server closed the connection"))

    event.listen(storage.engine, "before_cursor_execute", refuse)
    with caplog.at_level(logging.WARNING):
        storage.record_heartbeat(trial_id)
    event.remove(storage.engine, "before_cursor_execute", refuse)
    assert "server closed the connection" in caplog.text
    storage.record_heartbeat(trial_id)
    assert storage._fail_stale(1) == []


@pytest.fixture
def _elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Live in a zone that is not UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_elsewhere")
def test_trials_read_by_plain_sql_are_what_optuna_reads(storage: Storage) -> None:
    study = make_study(storage)
    study.optimize(score, n_trials=3)
    ask(study)
    study.enqueue_trial({"x": 0.25}, user_attrs={"why": ["asked"]})
    ours = storage._get_trials(study._study_id, None, set(), -1)
    theirs = RDBStorage._get_trials(storage, study._study_id, None, set(), -1)
    assert len(ours) == 5
    assert ours == theirs
    assert [storage.get_trial(trial._trial_id) for trial in theirs] == theirs
    assert storage._get_trials(study._study_id, None, {1, 2}, 3) == [
        theirs[0],
        theirs[1],
        *theirs[3:],
    ]


def test_sqlite_is_in_wal_mode(storage: Storage) -> None:
    if storage.engine.name != "sqlite":
        pytest.skip("of SQLite only")
    with storage.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 60_000
