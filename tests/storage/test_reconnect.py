from __future__ import annotations

import logging
import math
import time
from datetime import datetime
from typing import Any

import pytest
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.trial import TrialState
from sqlalchemy import event, update
from sqlalchemy.exc import OperationalError, ProgrammingError

from bcsearch.storage import Ledger, Slots, Storage, list_studies, open_storage
from bcsearch.storage.database_errors import is_lost
from bcsearch.storage.engine import transaction
from bcsearch.storage.optuna_private import BEATS
from bcsearch.storage.reconnect import Outage, reconnecting
from tests.storage.workers import make_study, score


class ServerClosed(Exception):
    """The error of a driver when the server is gone."""


class Owner:
    def __init__(self, *failures: Exception, seconds: float = 60.0) -> None:
        self.failures = list(failures)
        self.outage = Outage(seconds=seconds)
        self.calls = 0

    @reconnecting
    def work(self, what: str) -> str:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return what


def lost(text: str = "server closed the connection") -> OperationalError:
    return OperationalError("UPDATE", {}, ServerClosed(text))


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


def test_call_is_made_again_until_the_database_is_back(
    waits: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    wrapped = StorageInternalError("An exception is raised during the commit.")
    wrapped.__cause__ = lost()
    owner = Owner(lost(), wrapped, lost(), lost())
    with caplog.at_level(logging.WARNING):
        assert owner.work("done") == "done"
    assert owner.calls == 5
    assert len(waits) == 4
    assert sum(waits[2:]) > sum(waits[:2])
    assert [record.message for record in caplog.records] == [
        "the database does not answer, trying again: server closed the connection"
    ]


def test_repeated_calls_end(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([float(second) for second in range(99)])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    owner = Owner(*[lost() for _ in range(9)], seconds=3.0)
    with pytest.raises(OperationalError):
        owner.work("done")
    assert owner.calls == 4


def test_calls_after_the_last_wait_fail_at_once(
    monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    owner = Owner(lost(), lost(), seconds=0.05)
    for _ in range(2):
        with pytest.raises(OperationalError):
            owner.work("done")
    assert waits == []
    assert owner.work("done") == "done"  # it is back
    now[0] = 99.0
    owner.failures = [lost()]
    owner.outage.seconds = 60.0
    assert owner.work("done") == "done"  # a new outage is waited for again
    assert len(waits) == 1


def test_user_who_wants_to_stop_does_not_wait(waits: list[float]) -> None:
    owner = Owner(lost())
    owner.outage.stop_asked = lambda: True
    with pytest.raises(OperationalError):
        owner.work("done")
    assert waits == []


def test_calls_that_waited_for_each_other_are_made_again_in_silence(
    waits: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    deadlocks = [ServerClosed("deadlock detected"), ServerClosed(1213, "Deadlock found")]
    deadlocks[0].sqlstate = "40P01"  # type: ignore[attr-defined] # as psycopg's have it
    owner = Owner(*(OperationalError("UPDATE", {}, error) for error in deadlocks), seconds=0.0)
    assert owner.work("done") == "done"
    assert (owner.calls, len(waits)) == (3, 2)
    assert owner.outage.last_failure == -math.inf
    assert not caplog.records


@pytest.mark.parametrize(
    "message", ['password authentication failed for user "ann"', "Unknown database 'cells'"]
)
def test_server_that_refuses_is_not_waited_for(message: str) -> None:
    owner = Owner(lost(message))
    with pytest.raises(OperationalError):
        owner.work("done")
    assert owner.calls == 1


def test_nobody_counts_as_lost_right_after_an_outage(storage: Storage) -> None:
    study = make_study(storage)
    trial_id = storage.create_new_trial(study._study_id)
    with transaction(storage.engine) as session:
        session.execute(
            update(BEATS).where(BEATS.c.trial_id == trial_id).values(heartbeat=datetime(2020, 1, 1))
        )
    storage.outage.note_failure()
    assert storage.fail_stale(study) == []
    storage.outage.last_failure -= 60.0
    assert storage.fail_stale(study) == [0]


@pytest.mark.parametrize(
    "error", [ProgrammingError("SELECT", {}, ServerClosed("no such table")), ValueError("bug")]
)
def test_error_of_the_call_itself_is_raised_at_once(error: Exception) -> None:
    owner = Owner(error)
    with pytest.raises(type(error)):
        owner.work("done")
    assert owner.calls == 1


def test_of_sqlite_only_a_lock_is_waited_for() -> None:
    import sqlite3

    errors = {
        text: OperationalError("", {}, sqlite3.OperationalError(text))
        for text in ("database is locked", "disk full")
    }
    assert {text: is_lost(error) for text, error in errors.items()} == {
        "database is locked": True,
        "disk full": False,
    }


def break_off(storage: Storage, n_times: int) -> None:
    """Let statements fail as many times, each at another moment of what is done."""
    left = [*range(n_times)]

    def fail(*_: Any) -> None:
        if left:
            left.pop()
            raise lost()

    event.listen(storage.engine, "before_cursor_execute", fail)


@pytest.mark.parametrize("n_times", [1, 2, 5])
def test_whole_life_of_a_trial_outlasts_a_database_that_goes_away(
    storage: Storage, n_times: int
) -> None:
    study = make_study(storage)
    slots, ledger = Slots(storage, study), Ledger(storage, study)
    for step in (
        lambda: slots.ensure_slots(3),
        lambda: slots.claim("me"),
        lambda: study.optimize(score, n_trials=1),
        lambda: slots.bind(0, 0),
        lambda: slots.counts(),
        lambda: ledger.find_digest("aa"),
        lambda: study.enqueue_trial({"x": 0.5}),
        lambda: storage.fail_stale(study),
        lambda: list_studies(storage),
        lambda: study.trials,
    ):
        break_off(storage, n_times)
        step()
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE, TrialState.WAITING]


def cut_off_once(storage: Storage, when: str) -> None:
    """Let the next commit of a write be done, and its answer be lost."""
    left = [1]

    def fail(connection: Any, *_: Any) -> None:
        if left and connection.info.pop("writes", False):
            left.pop()
            connection.connection.driver_connection.commit()
            raise lost()

    def note(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(when):
            connection.info["writes"] = True

    event.listen(storage.engine, "before_cursor_execute", note)
    event.listen(storage.engine, "commit", fail)


def test_end_of_a_trial_that_was_written_though_its_answer_was_lost_counts_as_ours(
    storage: Storage,
) -> None:
    study = make_study(storage)
    trial_id = storage.create_new_trial(study._study_id)
    cut_off_once(storage, "UPDATE trials")
    assert storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [0.5]) is True
    assert storage.outage.last_failure > 0  # the answer was lost indeed
    with pytest.raises(UpdateFinishedTrialError):
        storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [0.5])


def test_worker_whose_release_was_cut_off_cannot_end_the_run_of_the_next(
    url: str, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_study(storage)
    trial_id = storage.create_new_trial(study._study_id)
    other = open_storage(url)
    cut_off_once(storage, "UPDATE trials")
    takes = [lambda: other.set_trial_state_values(trial_id, TrialState.RUNNING)]
    monkeypatch.setattr(time, "sleep", lambda _: takes.pop()())  # before it is called again
    assert storage.release(trial_id) is False
    assert not takes
    assert storage.set_trial_state_values(trial_id, TrialState.FAIL) is False
    assert other.get_trial(trial_id).state is TrialState.RUNNING
    other.engine.dispose()
