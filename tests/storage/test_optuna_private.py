"""Every private name of Optuna that bcsearch uses is where it was when it was read."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import _VersionManager
from optuna.study._constrained_optimization import _CONSTRAINTS_KEY

import bcsearch
from bcsearch.storage import optuna_private, reported_steps, study_id_of, trial_id_of
from bcsearch.storage.optuna_private import OptunaStorage

SIGNATURES: dict[Any, list[str]] = {
    RDBStorage._get_trials: ["study_id", "states", "included_trial_ids", "trial_id_greater_than"],
    RDBStorage._set_trial_param: [
        "trial_id",
        "param_name",
        "param_value_internal",
        "distribution",
        "previous_distribution",
    ],
    RDBStorage._set_trial_param_without_commit: [
        "session",
        "trial_id",
        "param_name",
        "param_value_internal",
        "distribution",
        "previous_distribution",
    ],
    RDBStorage._get_prepared_new_trial: ["study_id", "template_trial", "session"],
    RDBStorage._create_new_trial: ["study_id", "template_trial"],
    RDBStorage._get_best_trial_id: ["study_id", "direction"],
    RDBStorage._get_stale_trial_ids: ["study_id"],
    _VersionManager.__init__: ["url", "engine", "scoped_session"],
    _VersionManager.upgrade: [],
}
COLUMNS = {
    "STUDIES": {"study_id", "study_name"},
    "STUDY_ATTRS": {"study_id", "key", "value_json"},
    "TRIALS": {
        "trial_id",
        "number",
        "study_id",
        "state",
        "datetime_start",
        "datetime_complete",
    },
    "PARAMS": {"param_id", "trial_id", "param_name", "param_value", "distribution_json"},
    "VALUES": {"trial_id", "objective", "value", "value_type"},
    "REPORTS": {"trial_id", "step", "intermediate_value", "intermediate_value_type"},
    "USER_ATTRS": {"trial_user_attribute_id", "trial_id", "key", "value_json"},
    "SYSTEM_ATTRS": {"trial_system_attribute_id", "trial_id", "key", "value_json"},
    "HEARTBEATS": {"trial_id", "heartbeat"},
}
PRIVATE = re.compile(r"optuna(\.\w+)*\._|\b(trial|study)\._[a-z]|_rdb\b|_VersionManager")


@pytest.mark.parametrize("method", SIGNATURES, ids=lambda method: method.__qualname__)
def test_private_method_takes_what_it_took(method: Any) -> None:
    names = [name for name in inspect.signature(method).parameters if name != "self"]
    assert names == SIGNATURES[method]


def test_template_of_the_url_is_filled_by_a_static_method() -> None:
    assert isinstance(vars(RDBStorage)["_fill_storage_url_template"], staticmethod)


@pytest.mark.parametrize("table", COLUMNS)
def test_table_has_the_columns_that_are_used(table: str) -> None:
    assert COLUMNS[table] <= set(getattr(optuna_private, table).columns.keys())


@pytest.mark.parametrize("name", OptunaStorage.database_calls)
def test_method_that_uses_the_database_exists(name: str) -> None:
    assert callable(getattr(OptunaStorage, name))


def test_values_are_stored_as_they_were() -> None:
    for value in (0.5, float("inf"), float("-inf")):
        assert optuna_private.value_of(*optuna_private.stored_value(value)) == value
    kind = models.TrialIntermediateValueModel.TrialIntermediateValueType.FINITE
    assert optuna_private.report_of(0.5, kind) == 0.5


def test_attributes_of_trials_and_studies_are_where_they_were() -> None:
    study = optuna.create_study()
    study.enqueue_trial({"x": 0.5})
    trial = study.ask()
    trial.report(0.25, 7)
    assert (study_id_of(study), trial_id_of(trial)) == (0, 0)
    assert reported_steps(optuna.Trial(study, 0)) == {7}
    assert study.trials[0].system_attrs[optuna_private.FIXED_PARAMS] == {"x": 0.5}
    assert f"{_CONSTRAINTS_KEY}:feasible" == optuna_private.FEASIBLE
    constrained = optuna.trial.create_trial(value=0.5, constraints={"feasible": 1.0})
    assert constrained.system_attrs[optuna_private.FEASIBLE] == 1.0


def test_first_schema_is_that_of_the_installed_optuna() -> None:
    head, *older = optuna_private.known_schemas()
    assert head == "v3.2.0.a"
    assert older


def test_no_other_module_uses_a_private_name_of_optuna() -> None:
    folder = Path(bcsearch.__file__).parent
    users = [path.name for path in folder.rglob("*.py") if PRIVATE.search(path.read_text("utf-8"))]
    assert users == ["optuna_private.py"]
