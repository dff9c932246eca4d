"""Fails when a private name of Optuna moves; then read its release notes and ``optuna_private``."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import TYPE_CHECKING

import optuna
import pytest
from optuna.storages import RDBStorage
from optuna.storages._rdb.storage import _VersionManager

import bcsearch
from bcsearch.storage import optuna_private
from bcsearch.storage.optuna_private import (
    CONSTRAINT,
    DATABASE_METHODS,
    FIXED_PARAMS,
    OPTUNA_TABLES,
    PrivateStorage,
    known_schemas,
    reported_steps,
    stored_value,
    study_id,
    trial_id,
)
from tests.storage.workers import make_study

if TYPE_CHECKING:
    from bcsearch.storage import Storage

PACKAGE = Path(bcsearch.__file__).parent
PRIVATE_ATTRIBUTES = {
    "_cached_frozen_trial",
    "_set_trial_param",
    "_set_trial_param_without_commit",
    "_storage",
    "_study_id",
    "_trial_id",
}
COLUMNS = {
    "studies": {"study_id", "study_name"},
    "study_user_attributes": {"study_id", "key", "value_json"},
    "trials": {"trial_id", "number", "study_id", "state", "datetime_start", "datetime_complete"},
    "trial_params": {"param_id", "trial_id", "param_name", "param_value", "distribution_json"},
    "trial_values": {"trial_id", "objective", "value", "value_type"},
    "trial_intermediate_values": {
        "trial_id",
        "step",
        "intermediate_value",
        "intermediate_value_type",
    },
    "trial_user_attributes": {"trial_user_attribute_id", "trial_id", "key", "value_json"},
    "trial_system_attributes": {"trial_system_attribute_id", "trial_id", "key", "value_json"},
    "trial_heartbeats": {"trial_id", "heartbeat"},
}


def test_it_was_read_in_the_same_major_version() -> None:
    assert optuna.__version__.split(".")[0] == optuna_private.READ_IN.split(".")[0]


@pytest.mark.parametrize("name", DATABASE_METHODS)
def test_method_that_uses_the_database_exists(name: str) -> None:
    assert inspect.isfunction(getattr(RDBStorage, name))


def test_every_method_that_uses_the_database_is_repeated_or_replaced() -> None:
    using = {
        name
        for name, method in inspect.getmembers(RDBStorage, inspect.isfunction)
        if "_create_scoped_session(" in inspect.getsource(method)
    }
    replaced = {"set_trial_state_values", "record_heartbeat", "_get_stale_trial_ids"}
    assert using - replaced - {"get_failed_trial_callback"} <= set(DATABASE_METHODS)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        (
            "_set_trial_param",
            "trial_id param_name param_value_internal distribution previous_distribution",
        ),
        (
            "_set_trial_param_without_commit",
            "session trial_id param_name param_value_internal distribution previous_distribution",
        ),
        ("_get_prepared_new_trial", "study_id template_trial session"),
        ("_get_trials", "study_id states included_trial_ids trial_id_greater_than"),
        ("_get_stale_trial_ids", "study_id"),
        ("_fill_storage_url_template", "template"),
    ],
)
def test_private_method_takes_the_same_arguments(name: str, arguments: str) -> None:
    for owner in (RDBStorage, PrivateStorage):
        parameters = [p for p in inspect.signature(getattr(owner, name)).parameters if p != "self"]
        assert parameters == arguments.split()


@pytest.mark.parametrize("table", COLUMNS)
def test_table_has_the_columns_that_are_used(table: str) -> None:
    assert set(OPTUNA_TABLES.tables[table].columns.keys()) >= COLUMNS[table]


def test_ids_and_reports_are_where_they_were(storage: Storage) -> None:
    study = make_study(storage)
    study.enqueue_trial({"x": 0.5})

    def objective(trial: optuna.Trial) -> float:
        found = storage.get_trial_id_from_study_id_trial_number(study_id(study), trial.number)
        assert trial_id(trial) == found
        assert storage.get_trial_system_attrs(found)[FIXED_PARAMS] == {"x": 0.5}
        assert reported_steps(trial) == set()
        trial.report(0.5, 3)
        assert reported_steps(optuna.Trial(study, found)) == {3}
        return 0.5

    study.optimize(objective, n_trials=1)
    assert study_id(study) == storage.get_study_id_from_name(study.study_name)
    assert trial_id(study.trials[0]) == storage.get_all_trials(study_id(study))[0]._trial_id


def test_constraint_of_a_trial_is_where_it_was() -> None:
    trial = optuna.create_trial(value=0.5, constraints={"feasible": 1.0})
    assert trial.system_attrs[CONSTRAINT] == 1.0


def test_schemas_and_values_are_read() -> None:
    assert known_schemas()[0].startswith("v3")
    assert stored_value(0.5)[0] == 0.5
    assert list(inspect.signature(_VersionManager).parameters) == [
        "url",
        "engine",
        "scoped_session",
    ]
    assert callable(_VersionManager.upgrade)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_no_other_module_uses_private_names(path: Path) -> None:
    if path == Path(optuna_private.__file__):
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("optuna"):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            assert not any(name.startswith("_") for name in names), ast.unparse(node)
        if isinstance(node, ast.Attribute) and node.attr in PRIVATE_ATTRIBUTES:
            assert ast.unparse(node.value) == "self", ast.unparse(node)
