"""Filled databases, older schemas and comparisons, for tests of upgrade, backup and copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import optuna
import pytest
from alembic import command
from optuna.storages._rdb.storage import _VersionManager
from sqlalchemy import create_engine, inspect, select, text
from sqlalchemy.orm import scoped_session, sessionmaker

from bcsearch.recipe import Params
from bcsearch.records import EpochScores, TrialState
from bcsearch.storage import Ledger, LedgerEntry, Slots, open_storage
from bcsearch.storage.copy import TABLES
from tests.storage.workers import NAME, make_study, score

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

N_TRIALS = 5  # that end
EPOCHS = (
    EpochScores(
        epoch=0,
        score="accuracy",
        scores={"accuracy": (0.4, 0.6), "log_loss": (-0.9, -0.8)},
        train_loss=1.0,
        learning_rate=1e-3,
    ),
)


def fill(url: str) -> None:
    """Make a study with slots, ledger and trials in every state, one with an infinite value."""
    storage = open_storage(url)
    study = make_study(storage)
    slots, ledger = Slots(storage, study), Ledger(storage, study)
    slots.ensure_slots(N_TRIALS + 3)

    def objective(trial: optuna.Trial) -> float:
        slot = slots.claim("worker")
        assert slot is not None
        assert slots.bind(slot, trial.number)
        value = score(trial)
        state = TrialState.PRUNED if trial.number == 1 else TrialState.COMPLETE
        ledger.record(entry(trial.number, state))
        trial.report(float("nan"), 1)
        if state is TrialState.PRUNED:
            raise optuna.TrialPruned
        return value if trial.number else float("inf")

    study.optimize(objective, n_trials=N_TRIALS)
    storage.create_new_trial(study._study_id)
    study.enqueue_trial({"x": 0.25})
    close(storage)


def entry(trial_number: int, state: TrialState) -> LedgerEntry:
    return LedgerEntry(
        trial_number=trial_number,
        params=Params(dropout=trial_number / 10),
        epochs=EPOCHS,
        state=state,
        train_seconds=1.5,
        total_seconds=2.25,
    )


def close(storage: RDBStorage) -> None:
    storage.remove_session()
    storage.engine.dispose()


def rows(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {
            table.name: sorted(map(tuple, connection.execute(select(table)).all()), key=repr)
            for table in TABLES
        }
    engine.dispose()
    return found


def downgrade(url: str, schema: str) -> None:
    """Bring Optuna's tables back to an older schema, as an older Optuna made them."""
    if url.startswith("mysql"):
        pytest.skip("Optuna's own steps down fail on MySQL: no older schema can be made there")
    execute(
        url,
        "DROP INDEX ix_trials_study_id",
        "CREATE INDEX trials_study_id_key ON trials (study_id)",
    )
    if schema == "v3.0.0.b":
        _migrate(url, "v3.0.0.c")
        # Optuna's own step down fails, on a name that is not there
        execute(url, "ALTER TABLE trial_intermediate_values DROP COLUMN intermediate_value_type")
        execute(url, f"UPDATE alembic_version SET version_num = '{schema}'")
    else:
        _migrate(url, schema)


def _migrate(url: str, schema: str) -> None:
    engine = create_engine(url)
    manager = _VersionManager(url, engine, scoped_session(sessionmaker(bind=engine)))
    command.downgrade(manager._create_alembic_config(), schema)
    engine.dispose()


def goes_on(url: str) -> None:
    """Run two more trials: the one that waits and a new one."""
    storage = open_storage(url)
    study = optuna.load_study(study_name=NAME, storage=storage)
    before = len(study.trials)
    slots = Slots(storage, study)
    assert slots.counts().finished == N_TRIALS
    study.optimize(score, n_trials=2)
    assert len(study.trials) == before + 1
    assert [trial.number for trial in study.trials] == list(range(before + 1))
    assert study.trials[-2].params["x"] == 0.25
    assert Ledger(storage, study).entry_of(3) is not None
    assert make_study(storage, "another", "u-2")._study_id == study._study_id + 1
    close(storage)


def add_trials(url: str, n_trials: int) -> None:
    """Add finished trials to the study."""
    storage = open_storage(url)
    optuna.load_study(study_name=NAME, storage=storage).optimize(score, n_trials=n_trials)
    close(storage)


def tables(url: str) -> set[str]:
    """Return the names of the tables of a database."""
    engine = create_engine(url)
    names = set(inspect(engine).get_table_names())
    engine.dispose()
    return names


def execute(url: str, *statements: str) -> None:
    """Execute statements in one transaction."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
