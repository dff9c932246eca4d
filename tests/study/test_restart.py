"""A real PostgreSQL server that is restarted while a worker trains on it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from optuna.trial import TrialState
from sqlalchemy import update

from bcsearch.config import Limits
from bcsearch.storage import open_storage
from bcsearch.storage.engine import transaction
from bcsearch.storage.optuna_private import BEATS
from bcsearch.study.create import open_study
from bcsearch.study.session import Session
from benchmarks.distributed.databases import PostgreSQL, postgresql
from tests.fakes import FINGERPRINT, FakeTrainer, make_plan, make_worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow
LIMITS = {"heartbeat_seconds": 1, "grace_seconds": 5}


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with postgresql() as started:
        yield started


def open_session(server: PostgreSQL, folder: Path, trials: int) -> Session:
    plan = make_plan(limits=LIMITS)
    storage = open_storage(server.new_url(), plan.sweep.limits)
    study = open_study(storage, plan, FINGERPRINT, name="cells", worker="me")
    session = Session.of(study, storage, results=folder, files=folder / "cells")
    session.set_budget(trials, trials)
    return session


@pytest.mark.parametrize("epoch", [0, 2, 4])
def test_trial_outlasts_a_restart_of_the_server_in_its_middle(
    server: PostgreSQL, tmp_path: Path, epoch: int
) -> None:
    session = open_session(server, tmp_path, 2)
    restarts: list[int] = []

    def restart(now: int) -> None:
        if now == epoch and not restarts:
            restarts.append(now)
            server.restart()

    assert make_worker(session, session.plan, FakeTrainer(during=restart)).run()
    assert restarts == [epoch]
    assert [trial.state for trial in session.study.trials] == [TrialState.COMPLETE] * 2
    assert all(len(trial.intermediate_values) == 5 for trial in session.study.trials)
    session.storage.engine.dispose()


def test_process_that_begins_after_an_outage_waits_for_the_heartbeats_of_the_living(
    server: PostgreSQL, tmp_path: Path
) -> None:
    session = open_session(server, tmp_path, 1)
    session.storage.create_new_trial(session.study._study_id)
    with transaction(session.storage.engine) as database:
        database.execute(update(BEATS).values(heartbeat=datetime(2020, 1, 1)))
    url = session.storage.engine.url.render_as_string(hide_password=False)
    server.restart()
    fresh = open_storage(url, Limits(heartbeat_seconds=30, grace_seconds=90))
    assert fresh.fail_stale(session.study) == []
    fresh.heartbeat_interval = 0
    assert fresh.fail_stale(session.study) == [0]
    for storage in (fresh, session.storage):
        storage.remove_session()
        storage.engine.dispose()
