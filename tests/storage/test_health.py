from __future__ import annotations

import sqlite3
from datetime import timedelta
from typing import TYPE_CHECKING

import optuna
import pytest
from optuna.trial import TrialState as OptunaState
from sqlalchemy import create_engine, delete, text, update

from bcsearch.config import Limits
from bcsearch.errors import StorageError, StudyError
from bcsearch.records import TrialState
from bcsearch.storage import Slots, Storage
from bcsearch.storage.engine import database_now, transaction
from bcsearch.storage.health import StudyHealth, fail_lost, read_database, read_health
from bcsearch.storage.optuna_private import BEATS
from tests.storage.workers import NAME, make_study, score

if TYPE_CHECKING:
    from pathlib import Path

    from optuna import Study


@pytest.fixture
def study(storage: Storage) -> Study:
    return make_study(storage)


def health(url: str) -> StudyHealth:
    return read_health(url, NAME, "u-1")


def fill(storage: Storage, study: Study, worker: str, *, ends: bool = True) -> None:
    """Claim a slot, start a trial in it, and end that."""
    slots = Slots(storage, study)
    slot = slots.claim(worker)
    trial_id = storage.create_new_trial(study._study_id)
    assert slot is not None
    assert slots.bind(slot, storage.get_trial(trial_id).number)
    if ends:
        storage.set_trial_state_values(trial_id, OptunaState.COMPLETE, [0.5])


def silence(storage: Storage) -> None:
    """Move every heartbeat five minutes back."""
    with transaction(storage.engine) as session:
        long_ago = database_now(session) - timedelta(minutes=5)
        session.execute(update(BEATS).values(heartbeat=long_ago))


@pytest.mark.usefixtures("storage")
def test_sound_database_has_its_schema_tables_and_clock(url: str) -> None:
    found = read_database(url)
    assert found.is_usable
    assert found.schema_here
    assert found.missing == ()
    assert abs(found.clock_ahead) < 3
    is_file = url.startswith("sqlite")
    assert (found.path is not None, found.journal == "wal") == (is_file, is_file)


def test_schema_of_another_optuna_is_read(url: str, storage: Storage) -> None:
    with storage.engine.begin() as connection:
        before = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        connection.execute(text("UPDATE alembic_version SET version_num = 'v9.9.9'"))
    found = read_database(url)
    with storage.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": before})
    assert (found.is_usable, found.schema, found.schema_here) == (False, "v9.9.9", before)


def test_database_of_plain_optuna_lacks_our_tables_and_has_its_own_journal(tmp_path: Path) -> None:
    optuna.storages.RDBStorage(f"sqlite:///{tmp_path / 'plain.db'}").engine.dispose()
    found = read_database(str(tmp_path / "plain.db"))
    assert found.missing == (
        "bcsearch_checks",
        "bcsearch_ledger",
        "bcsearch_repeats",
        "bcsearch_slots",
    )
    assert (found.journal, found.is_usable) == ("delete", True)


def test_password_is_masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = f"sqlite:///{tmp_path / 'a.db'}"
    sqlite3.connect(tmp_path / "a.db").close()
    monkeypatch.setattr(
        "bcsearch.storage.health.connected", lambda _: create_engine(file).connect()
    )
    assert read_database("postgresql://me:secret@host/a").place == "postgresql://me:***@host/a"


def test_nothing_is_created_where_there_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no study was ever run here"):
        read_database(str(tmp_path / "none.db"))
    assert list(tmp_path.iterdir()) == []


def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("hello, I am no database at all\n" * 99)
    with pytest.raises(StorageError, match="not a database"):
        read_database(str(tmp_path / "text.db"))


def test_trials_are_counted_by_state(url: str, study: Study) -> None:
    study.optimize(score, n_trials=3)
    study.enqueue_trial({"x": 0.5})
    found = health(url)
    assert found.counts == {TrialState.COMPLETE: 3, TrialState.WAITING: 1}
    assert found.finished == 3


def test_slots_tell_who_works_and_on_which_trial(url: str, storage: Storage, study: Study) -> None:
    slots = Slots(storage, study)
    slots.ensure_slots(5)
    fill(storage, study, "a-1")
    fill(storage, study, "b-2", ends=False)
    slots.claim("c-3")
    slots.claim("d-4")
    found = health(url)
    assert found.workers == {"a-1", "b-2", "c-3", "d-4"}
    assert [(trial.number, trial.worker) for trial in found.running] == [(1, "b-2")]


def test_silence_counts_from_the_heartbeat(url: str, storage: Storage, study: Study) -> None:
    storage.create_new_trial(study._study_id)
    silence(storage)
    (trial,) = health(url).running
    assert (trial.number, trial.has_heartbeat, trial.worker) == (0, True, None)
    assert 300 <= trial.silent_seconds < 330


def test_trial_without_a_heartbeat_is_silent_since_its_start(
    url: str, storage: Storage, study: Study
) -> None:
    storage.create_new_trial(study._study_id)
    with transaction(storage.engine) as session:
        session.execute(delete(BEATS))
    (trial,) = health(url).running
    assert not trial.has_heartbeat
    assert trial.silent_seconds < 30


def test_lost_trials_fail_by_the_limits_of_their_study(
    url: str, storage: Storage, study: Study
) -> None:
    storage.create_new_trial(study._study_id)
    silence(storage)
    assert fail_lost(url, NAME, Limits(heartbeat_seconds=1, grace_seconds=3600)) == []
    assert fail_lost(url, NAME, Limits(heartbeat_seconds=1, grace_seconds=60)) == [0]
    assert health(url).counts == {TrialState.FAIL: 1, TrialState.WAITING: 1}


def test_study_of_plain_optuna_has_no_workers(tmp_path: Path) -> None:
    plain = optuna.storages.RDBStorage(f"sqlite:///{tmp_path / 'plain.db'}")
    study = optuna.create_study(storage=plain, study_name="plain")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), 2)
    plain.engine.dispose()
    found = read_health(str(tmp_path / "plain.db"), "plain", "")
    assert (found.finished, found.workers, found.running) == (2, frozenset(), ())
