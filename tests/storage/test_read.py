from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import optuna
import pytest
from optuna.trial import TrialState as OptunaState
from sqlalchemy import text

from bcsearch.errors import StorageError, StudyError
from bcsearch.recipe import Params
from bcsearch.records import EpochScores, TrialState
from bcsearch.storage import (
    Ledger,
    LedgerEntry,
    Storage,
    attrs,
    find_study,
    list_studies,
    open_storage,
    read_overview,
    read_study,
)
from tests.fakes import FakeTrainer, make_plan, make_worker, open_session
from tests.storage.workers import NAME, make_study

if TYPE_CHECKING:
    from pathlib import Path

    from optuna import Study

SETTINGS = '{"sweep": {"search": {"score": "macro_f1"}}}'
EPOCHS = (
    EpochScores(
        epoch=0,
        score="accuracy",
        scores={"accuracy": (0.4, 0.6), "log_loss": (-0.9, -0.8)},
        train_loss=1.0,
        learning_rate=1e-3,
    ),
)


@pytest.fixture
def study(storage: Storage) -> Study:
    made = make_study(storage)
    made.set_user_attr(attrs.SWEEP, "quickstart")
    made.set_user_attr(attrs.TRIALS, 20)
    made.set_user_attr(attrs.FINGERPRINT, {"space": "abc"})
    made.set_user_attr(attrs.SETTINGS, SETTINGS)
    return made


def entry(number: int) -> LedgerEntry:
    return LedgerEntry(
        trial_number=number,
        params=Params(),
        epochs=EPOCHS,
        state=TrialState.COMPLETE,
        train_seconds=1.5,
        total_seconds=2.0,
    )


def objective(trial: optuna.Trial) -> float:
    rate = trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True)
    trial.suggest_int("batch_size", 32, 128, step=32)
    trial.suggest_categorical("augment", ["none", "light"])
    trial.report(rate, 0)
    if trial.number == 1:
        raise optuna.TrialPruned
    if trial.number == 2:
        raise ValueError("broken")
    return rate if trial.number else float("inf")


def test_every_trial_is_read_as_optuna_has_it(url: str, storage: Storage, study: Study) -> None:
    study.optimize(objective, n_trials=5, catch=(ValueError,))
    study.enqueue_trial({"learning_rate": 0.01})
    record = read_study(url, NAME)
    assert len(record.trials) == len(study.trials) == 6
    for ours, theirs in zip(record.trials, study.trials, strict=True):
        assert ours.number == theirs.number
        assert ours.state.value == theirs.state.name.lower()
        assert ours.params == theirs.params
        assert ours.seconds == (
            theirs.duration and pytest.approx(theirs.duration.total_seconds(), abs=1e-5)
        )
        if theirs.state is not OptunaState.FAIL:
            assert ours.score == (theirs.value if theirs.values else None)
    assert record == read_study(storage, NAME)


def test_overview_knows_the_best_whole_and_the_rest_by_score(
    url: str, storage: Storage, study: Study
) -> None:
    study.optimize(objective, n_trials=9, catch=(ValueError,))
    for number in (0, 3, 4, 5):
        Ledger(storage, study).record(entry(number))
    study.add_trial(
        optuna.create_trial(state=OptunaState.WAITING, user_attrs={attrs.RETRY_HISTORY: [2]})
    )
    full, seen = read_study(storage, NAME, with_epochs=True), read_overview(url, NAME, 3)
    best = [trial.number for trial in full.ranked[:3]]
    assert best[0] == 0  # its score is infinite
    assert [trial for trial in seen.trials if trial.params] == [
        trial for trial in full.trials if trial.number in best
    ]
    assert [(trial.number, trial.state, trial.score, trial.seconds) for trial in seen.trials] == [
        (trial.number, trial.state, trial.score, trial.seconds) for trial in full.trials
    ]
    assert seen.best == full.best
    assert seen.retried == full.retried == {2}
    assert replace(seen, trials=()) == replace(full, trials=())


def test_study_attributes_are_read(url: str, study: Study) -> None:
    assert study.study_name == NAME
    (record,) = list_studies(url)
    assert (record.name, record.sweep, record.uuid, record.trials_wanted) == (
        NAME,
        "quickstart",
        "u-1",
        20,
    )
    assert record.score == "macro_f1"
    assert (record.fingerprint, record.settings) == ({"space": "abc"}, SETTINGS)


def test_running_trial_shows_the_best_it_reported(storage: Storage, study: Study) -> None:
    trial_id = storage.create_new_trial(study._study_id)
    for step, value in enumerate([0.2, 0.6]):
        storage.set_trial_intermediate_value(trial_id, step, value)
    (trial,) = read_study(storage, NAME).trials
    assert (trial.state, trial.score) == (TrialState.RUNNING, 0.6)


def test_ledger_is_read_beside_the_trials(storage: Storage, study: Study) -> None:
    storage.set_trial_state_values(
        storage.create_new_trial(study._study_id), OptunaState.COMPLETE, [0.5]
    )
    Ledger(storage, study).record(replace(entry(0), duplicate_of=4))
    (trial,) = read_study(storage, NAME, with_epochs=True).trials
    assert (trial.epochs, trial.train_seconds) == (EPOCHS, 1.5)
    assert trial.note == "same configuration as trial 4"
    assert read_study(storage, NAME).trials[0].epochs == ()


def test_note_tells_retries_and_what_was_noted(storage: Storage, study: Study) -> None:
    user_attrs = {attrs.NOTE: "out of memory", attrs.RETRY_HISTORY: [1, 5]}
    study.add_trial(optuna.create_trial(state=OptunaState.WAITING, user_attrs=user_attrs))
    record = read_study(storage, NAME)
    assert (record.trials[0].note, record.trials[0].retry_of) == (
        "out of memory; retry of trial 5",
        5,
    )
    assert record.retried == {5}


def test_study_of_plain_optuna_is_read(tmp_path: Path) -> None:
    plain = optuna.storages.RDBStorage(f"sqlite:///{tmp_path / 'plain.db'}")
    study = optuna.create_study(storage=plain, study_name="plain")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    plain.engine.dispose()
    record = read_study(str(tmp_path / "plain.db"), "plain")
    assert [trial.state for trial in record.trials] == [TrialState.COMPLETE] * 2
    assert (record.sweep, record.uuid) == ("plain", "")


def test_newest_study_of_a_sweep_is_the_last_one_made(url: str, storage: Storage) -> None:
    for name in ("cells", "cells-2", "other", "cells-10", "cells-9"):
        make_study(storage, name, name).set_user_attr(attrs.SWEEP, name.split("-")[0])
    assert find_study(url, "cells") == "cells-9"
    assert find_study(storage, "other") == "other"
    with pytest.raises(StudyError, match="unknown study 'cell'; did you mean 'cells'"):
        find_study(storage, "cell")


def test_every_study_of_a_sweep_can_be_named_and_says_by_what(url: str, storage: Storage) -> None:
    for name in ("cells", "cells-2", "cells-3"):
        make_study(storage, name, name).set_user_attr(attrs.SWEEP, "cells")
    assert [find_study(url, name) for name in ("cells", "cells-1", "cells-2")] == [
        "cells-3",
        "cells",
        "cells-2",
    ]
    for name in ("cells", "cells-1", "cells-2"):
        named = read_study(url, find_study(url, name))
        told = named.option.removeprefix("--study ")
        assert find_study(url, told) == find_study(url, name)


def test_unknown_study_names_the_nearest(url: str, study: Study) -> None:
    assert study.study_name == "sweep"
    with pytest.raises(StudyError, match=r"unknown study 'swep'; did you mean 'sweep'\?"):
        read_study(url, "swep")


@pytest.mark.parametrize(
    "read", [list_studies, lambda url: read_study(url, NAME), lambda url: find_study(url, "x")]
)
def test_reading_never_creates_a_database(tmp_path: Path, read: object) -> None:
    assert callable(read)
    with pytest.raises(StudyError, match="no study was ever run here"):
        read(str(tmp_path / "study.db"))
    assert list(tmp_path.iterdir()) == []


def test_reading_leaves_nothing_beside_the_database(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path / "study.db"))
    make_study(storage)
    storage.remove_session()
    storage.engine.dispose()
    read_study(str(tmp_path / "study.db"), NAME)
    assert [path.name for path in tmp_path.iterdir()] == ["study.db"]


def test_empty_database_was_never_run(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "empty.db").close()
    (tmp_path / "empty.db").touch()
    with pytest.raises(StudyError, match="is empty"):
        list_studies(str(tmp_path / "empty.db"))


def test_database_of_somebody_else_is_refused(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE customers (id INTEGER)")
    other.close()
    with pytest.raises(StorageError, match="not Optuna's"):
        list_studies(str(tmp_path / "other.db"))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE trials SET state = 'WON'",
        "UPDATE trials SET datetime_start = 'noon'",
        "UPDATE trials SET number = 'x'",
        "UPDATE trial_values SET value = 'high'",
        "UPDATE trial_params SET param_name = NULL",
        "UPDATE trial_params SET distribution_json = '{'",
        "UPDATE study_user_attributes SET value_json = '['",
        "UPDATE study_user_attributes SET value_json = '3'",
        "UPDATE bcsearch_ledger SET epochs = '{}'",
    ],
)
def test_rows_of_no_sense_get_one_line(change: str, tmp_path: Path) -> None:
    plan = make_plan()
    session = open_session(tmp_path, plan, trials=2)
    make_worker(session, plan, FakeTrainer()).run()
    session.storage.remove_session()
    with session.storage.engine.begin() as connection:
        connection.execute(text(change))
    session.storage.engine.dispose()
    with pytest.raises(StorageError, match=r"holds rows that make no sense .* use a backup"):
        read_study(f"sqlite:///{tmp_path / 'study.db'}", "cells", with_epochs=True)


def test_choice_of_another_version_is_none_and_hides_nothing_else(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    made = optuna.create_study(storage=url, study_name="cells")
    for said in ({"named": 3}, {}, {"ways": "x"}):
        made.set_user_attr(attrs.CHOICE, said)
        assert read_study(url, "cells").choice is None
