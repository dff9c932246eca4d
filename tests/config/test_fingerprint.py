from __future__ import annotations

import sys
from typing import Any

import pytest

from bcsearch.config import Plan, differences, fingerprint, parse_plan

PLAN: dict[str, Any] = {
    "sweep": {"space": "heads", "search": {"trials": 10}},
    "space": {"params": {"image_size": 96, "learning_rate": {"float": [1e-4, 1e-2], "log": True}}},
}


def told(stored: dict[str, str], now: dict[str, str]) -> list[str]:
    return [str(each) for each in differences(stored, now)]


def parts_of(plan: dict[str, Any] = PLAN, **found: Any) -> dict[str, str]:
    values: dict[str, Any] = {
        "dataset": "d0",
        "folds": "f0",
        "weights": {"efficientnet_lite0": "w0"},
        **found,
    }
    return fingerprint(parse_plan("cells", plan, "test"), **values)


def with_sweep(**keys: Any) -> dict[str, Any]:
    return {**PLAN, "sweep": {**PLAN["sweep"], **keys}}


def with_params(**params: Any) -> dict[str, Any]:
    return {**PLAN, "space": {"params": {**PLAN["space"]["params"], **params}}}


@pytest.mark.parametrize(
    ("plan", "changed"),
    [
        (with_params(image_size=64), "space.image_size"),
        (with_params(learning_rate={"float": [1e-4, 1e-1], "log": True}), "space.learning_rate"),
        (with_params(learning_rate={"float": [1e-4, 1e-2]}), "space.learning_rate"),
        (with_params(learning_rate=1e-3), "space.learning_rate"),
        (with_params(dropout=0.1), "space.dropout"),
        (with_sweep(training={"epochs": 9}), "training.epochs"),
        (with_sweep(training={"patience": 9}), "training.patience"),
        (with_sweep(search={"trials": 10, "score": "macro_f1"}), "search.score"),
        (with_sweep(views={"seed": 9}), "views.seed"),
        (with_sweep(views={"mode": "online"}), "views.mode"),
        (with_sweep(weights={"seed": 9}), "weights.seed"),
        (with_sweep(training={"seed": 9}), "training.seed"),
    ],
)
def test_fingerprint_changes_in_the_part_that_changed_and_in_no_other(
    plan: dict[str, Any], changed: str
) -> None:
    before, after = parts_of(), parts_of(plan)
    assert {key for key in before | after if before.get(key) != after.get(key)} == {changed}
    assert before != after


@pytest.mark.parametrize(
    ("found", "changed"),
    [
        ({"dataset": "d1"}, "dataset"),
        ({"folds": "f1"}, "folds"),
        ({"weights": {"efficientnet_lite0": "w1"}}, "weights.efficientnet_lite0"),
    ],
)
def test_fingerprint_changes_with_data_folds_and_weights(
    found: dict[str, Any], changed: str
) -> None:
    before, after = parts_of(), parts_of(**found)
    assert [key for key in before if before[key] != after[key]] == [changed]


def test_fingerprint_changes_with_the_meaning_of_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    before = parts_of()
    monkeypatch.setattr(sys.modules["bcsearch.config.fingerprint"], "MEANING", 99)
    assert told(before, parts_of()) == [f"meaning was {before['meaning']}, is 99"]


@pytest.mark.parametrize(
    "keys",
    [
        {"search": {"trials": 200, "startup_trials": 3, "pruner": "none", "seed": 5}},
        {"limits": {"heartbeat_seconds": 1, "grace_seconds": 3, "retries": 0}},
        {"storage": "sqlite:///elsewhere.db"},
        {"title": "Another title"},
        {"data": "elsewhere.npz"},
        {"start": [{"learning_rate": 1e-3}]},
        {"views": {"mode": "stored"}},
    ],
    ids=lambda keys: next(iter(keys)),
)
def test_fingerprint_ignores_what_changes_no_result(keys: dict[str, Any]) -> None:
    assert parts_of(with_sweep(**keys)) == parts_of()


def test_fingerprint_does_not_depend_on_the_order_of_a_file() -> None:
    params = dict(reversed(PLAN["space"]["params"].items()))
    assert parts_of({**PLAN, "space": {"params": params}}) == parts_of()


def test_differences_name_key_and_both_values() -> None:
    stored, now = {"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "5", "d": "4"}
    assert told(stored, now) == ["b was 2, is 5", "c was 3, is absent", "d was absent, is 4"]
    assert told(stored, stored) == []
    assert told({"views.mode": "online"}, {}) == ["views.mode was online, is stored"]


def test_settings_kept_with_a_study_give_back_its_plan_and_fingerprint() -> None:
    from bcsearch.study.create import settings_text, stored_plan

    rich = with_sweep(
        training={"epochs": 9},
        storage="postgresql://ada:secret@host/db",
        start=[{"learning_rate": 1e-3}],
    )
    rich["space"] = {
        "title": "All kinds",
        "params": {
            "head_layers": {"int": [0, 2], "step": 2},
            "units_1": {"choice": [64, 128], "when": {"head_layers": [2]}},
            "learning_rate": {"float": [1e-4, 1e-2], "log": True},
            "optimizer": "sgd",
        },
    }
    plan = parse_plan("cells", rich, "test")
    text = settings_text(plan)
    kept = stored_plan("cells", text)
    without_url = plan.sweep.model_copy(update={"storage": None})
    assert kept == Plan(name="cells", sweep=without_url, space=plan.space)
    assert "secret" not in text

    found: dict[str, Any] = {"dataset": "d0", "folds": "f0", "weights": {}}
    assert fingerprint(kept, **found) == fingerprint(plan, **found)
