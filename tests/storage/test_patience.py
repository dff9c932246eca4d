from __future__ import annotations

import logging
import time
from typing import Any

import pytest
from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState
from sqlalchemy import event
from sqlalchemy.exc import OperationalError, ProgrammingError

from bcsearch.storage import Ledger, Slots, Storage, list_studies
from bcsearch.storage.patience import is_lost, patient
from tests.storage.workers import make_study, score


class ServerClosed(Exception):
    """What a driver says when the server is gone."""


class Owner:
    reconnect_seconds = 60.0

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0

    @patient
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


def test_call_is_made_again_until_the_database_is_back(waits: list[float], caplog: pytest.LogCaptureFixture) -> None:
    wrapped = StorageInternalError("An exception is raised during the commit.")
    wrapped.__cause__ = lost()
    owner = Owner(lost(), wrapped, lost(), lost())
    with caplog.at_level(logging.WARNING):
        assert owner.work("done") == "done"
    assert owner.calls == 5
    assert len(waits) == 4
    assert sum(waits[2:]) > sum(waits[:2])
    assert [record.message for record in caplog.records] == [
        "the database went away, trying again: server closed the connection"
    ]


def test_patience_ends(waits: list[float]) -> None:
    owner = Owner(*[lost() for _ in range(9)])
    owner.reconnect_seconds = 1.0
    with pytest.raises(OperationalError):
        owner.work("done")
    assert owner.calls == 5  # 0.1 + 0.2 + 0.4 + 0.8: the next wait would go beyond


@pytest.mark.parametrize("error", [ProgrammingError("SELECT", {}, ServerClosed("no such table")), ValueError("bug")])
def test_error_of_the_call_itself_is_raised_at_once(error: Exception) -> None:
    owner = Owner(error)
    with pytest.raises(type(error)):
        owner.work("done")
    assert owner.calls == 1


def test_of_sqlite_only_a_lock_is_waited_for() -> None:
    import sqlite3

    said = {
        text: OperationalError("", {}, sqlite3.OperationalError(text)) for text in ("database is locked", "disk full")
    }
    assert {text: is_lost(error) for text, error in said.items()} == {"database is locked": True, "disk full": False}


def break_off(storage: Storage, n_times: int) -> None:
    """Let statements fail as many times, each at another moment of what is done."""
    left = [*range(n_times)]

    def fail(*_: Any) -> None:
        if left:
            left.pop()
            raise lost()

    event.listen(storage.engine, "before_cursor_execute", fail)


@pytest.mark.parametrize("n_times", [1, 2, 5])
def test_whole_life_of_a_trial_outlasts_a_database_that_goes_away(storage: Storage, n_times: int) -> None:
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
