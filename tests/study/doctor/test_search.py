from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bcsearch.records import TrialState
from bcsearch.study.doctor.search import ENOUGH_TRIALS, check_draws, check_pruner, check_sampler
from tests.fakes import make_plan
from tests.study.doctor.made import levels, only, study

if TYPE_CHECKING:
    from bcsearch.config import Plan

COMPLETE, PRUNED = TrialState.COMPLETE, TrialState.PRUNED


def plan(epochs: int = 30, **search: Any) -> Plan:
    return make_plan(
        search={"sampler": "tpe", "pruner": "median", **search}, training={"epochs": epochs}
    )


@pytest.mark.parametrize(
    ("made", "wanted", "words"),
    [
        (plan(pruner_trials=20), 20, "waits for 20 completed trials, the budget is 20"),
        (plan(pruner_epochs=29), 100, "first 29 epochs pass, and a trial has 30"),
        (plan(epochs=1, pruner_epochs=0), 100, "a trial has 1"),
    ],
)
def test_pruner_that_can_stop_no_trial_is_told_with_what_to_change(
    made: Plan, wanted: int, words: str
) -> None:
    level, text = only(check_pruner(study(made, wanted=wanted)))
    assert level == "warning"
    assert words in text
    assert "search.pruner_" in text


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (plan(pruner_trials=20), 21),
        (plan(pruner_epochs=28), 100),
        (plan(epochs=2, pruner_epochs=0), 9),
    ],
)
def test_pruner_that_can_act_is_ok(made: Plan, wanted: int) -> None:
    assert levels(check_pruner(study(made, wanted=wanted))) == ["ok"]


def test_pruner_that_has_stopped_nothing_is_noted_once_enough_trials_completed() -> None:
    enough = 5 + ENOUGH_TRIALS
    assert levels(check_pruner(study(plan(), counts={COMPLETE: enough}))) == ["note"]
    assert levels(check_pruner(study(plan(), counts={COMPLETE: enough - 1}))) == ["ok"]
    assert only(check_pruner(study(plan(), counts={COMPLETE: enough, PRUNED: 1})))[1].startswith(
        "pruner: it stopped 1"
    )


def test_no_pruner_is_noted() -> None:
    assert levels(check_pruner(study(plan(pruner="none")))) == ["note"]


def test_sampler_that_never_learns_is_told() -> None:
    level, text = only(check_sampler(study(plan(startup_trials=16), wanted=16)))
    assert level == "warning"
    assert "16" in text
    assert check_sampler(study(plan(startup_trials=16), wanted=17)) == []
    assert levels(check_sampler(study(plan(sampler="random")))) == ["note"]


def test_independent_draws_are_noted_by_name_once_the_sampler_learns() -> None:
    learning = {COMPLETE: 17}
    level, text = only(
        check_draws(study(plan(), counts=learning, independent={"dropout": 2, "units_2": 1}))
    )
    assert level == "note"
    assert "3 values" in text
    assert "dropout (2), units_2 (1)" in text
    assert levels(check_draws(study(plan(), counts=learning))) == ["ok"]
    assert check_draws(study(plan(), counts={COMPLETE: 16})) == []
    assert check_draws(study(plan(sampler="random"), counts=learning)) == []


def test_search_of_another_tool_is_not_judged() -> None:
    foreign = study(None)
    assert check_pruner(foreign) == check_sampler(foreign) == check_draws(foreign) == []
