from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bcsearch.doctor.study import (
    check_failed,
    check_files,
    check_heartbeats,
    check_infeasible,
    check_lost,
    check_origin,
    check_progress,
    check_pruner,
    check_sampler,
    check_views,
)
from bcsearch.records import TrialRecord, TrialState
from tests.doctor.made import levels, make_plan, only, running, study

if TYPE_CHECKING:
    from bcsearch.config import Plan

COMPLETE, PRUNED, FAIL = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL
ONE_LOST = (running(3, 300.0), running(4))


def searched(epochs: int = 30, **search: Any) -> Plan:
    return make_plan(search=search, training={"epochs": epochs})


def failed(number: int, retry_of: int | None = None, note: str = "") -> TrialRecord:
    return TrialRecord(number=number, state=FAIL, retry_of=retry_of, note=note)


def infeasible(number: int) -> TrialRecord:
    return TrialRecord(number=number, state=TrialState.INFEASIBLE, note="out of memory")


def test_progress_counts_trials_done_and_running() -> None:
    counts = {COMPLETE: 5, PRUNED: 3, FAIL: 2, TrialState.WAITING: 4}
    assert only(check_progress(study(counts=counts, runs=ONE_LOST[1:]))) == (
        "ok",
        "study cells: 8 of 100 trials done, 1 running, 4 queued; ",
    )


def test_lost_trial_is_named_with_its_worker_and_the_grace() -> None:
    level, text = only(check_lost(study(runs=ONE_LOST)))
    assert level == "wrong"
    parts = ("trial 3 of study cells", "host-7", "5.0 minutes", "60 seconds", "--reap")
    assert all(part in text for part in parts)
    assert check_lost(study(runs=ONE_LOST[1:])) == []


def test_grace_is_the_studys_own() -> None:
    slow = make_plan(limits={"grace_seconds": 600})
    assert check_lost(study(slow, runs=ONE_LOST)) == []


def test_study_of_another_tool_has_no_lost_trials_and_is_a_note() -> None:
    foreign = study(None, runs=ONE_LOST)
    assert check_lost(foreign) == check_heartbeats(foreign) == []
    assert only(check_origin(foreign))[0] == "note"
    assert "another version" in only(check_origin(study(None, settings="{}")))[1]
    assert check_origin(study()) == []


def test_trial_without_a_heartbeat_is_a_warning() -> None:
    level, text = only(check_heartbeats(study(runs=[running(5, has_heartbeat=False)])))
    assert level == "warning"
    assert "trial 5" in text


def test_heartbeat_and_grace_in_force_are_shown() -> None:
    level, text = only(check_heartbeats(study(runs=[running(5)])))
    assert level == "ok"
    assert "every 10 seconds" in text
    assert "60 seconds is lost" in text


def test_study_without_failed_trials_has_no_finding_of_them() -> None:
    assert check_failed(study(trials=[TrialRecord(number=0, state=COMPLETE)])) == []


def test_retried_trial_is_a_note() -> None:
    retry = TrialRecord(number=1, state=TrialState.WAITING, retry_of=0)
    level, text = only(check_failed(study(trials=[failed(0), retry])))
    assert level == "note"
    assert "trial 0 lost with a worker" in text


def test_trial_that_is_lost_after_every_retry_is_given_up() -> None:
    chain = [failed(0), *(failed(number, number - 1) for number in (1, 2, 3))]
    found = check_failed(study(trials=chain))
    assert levels(found) == ["note", "warning"]
    assert "trials 0, 1, 2 lost" in found[0].what
    assert "trial 3 of study cells given up" in found[1].what


@pytest.mark.parametrize("retries", [0, 3])
def test_trial_that_an_error_ended_is_a_warning_with_its_note(retries: int) -> None:
    plan = make_plan(limits={"retries": retries})
    level, text = only(check_failed(study(plan, trials=[failed(0, note="out of memory")])))
    assert level == "warning"
    assert "trial 0 ended by an error, so not tried again: out of memory" in text


def test_infeasible_trials_are_a_warning_until_one_completes() -> None:
    level, text = only(check_infeasible(study(trials=[infeasible(0), infeasible(1)])))
    assert level == "warning"
    assert "trials 0, 1 could not be trained, trial 1 because: out of memory" in text
    done = TrialRecord(number=2, state=COMPLETE, score=0.5)
    assert levels(check_infeasible(study(trials=[infeasible(0), done]))) == ["note"]
    assert check_infeasible(study(trials=[done])) == []


@pytest.mark.parametrize(
    ("plan", "wanted", "part"),
    [
        (searched(pruner_trials=20), 20, "waits for 20 completed trials, the budget is 20"),
        (searched(pruner_epochs=29), 100, "first 29 epochs, and a trial has 30"),
        (searched(epochs=1, pruner_epochs=0), 100, "a trial has 1"),
    ],
)
def test_pruner_that_can_stop_no_trial_is_a_warning_with_what_to_change(
    plan: Plan, wanted: int, part: str
) -> None:
    level, text = only(check_pruner(study(plan, wanted=wanted)))
    assert level == "warning"
    assert part in text
    assert "search.pruner_" in text


@pytest.mark.parametrize(
    ("plan", "wanted"),
    [
        (searched(pruner_trials=20), 21),
        (searched(pruner_epochs=28), 100),
        (searched(epochs=2, pruner_epochs=0), 9),
    ],
)
def test_pruner_that_can_act_is_ok(plan: Plan, wanted: int) -> None:
    assert levels(check_pruner(study(plan, wanted=wanted))) == ["ok"]


def test_pruner_counts_what_it_stopped_without_infeasible_trials() -> None:
    counts = {COMPLETE: 6, PRUNED: 3}
    level, text = only(check_pruner(study(counts=counts, trials=[infeasible(0)])))
    assert (level, "it stopped 2 of 9" in text) == ("ok", True)


def test_no_pruner_is_a_note() -> None:
    assert levels(check_pruner(study(searched(pruner="none")))) == ["note"]


def test_sampler_that_never_learns_is_a_warning() -> None:
    level, text = only(check_sampler(study(searched(startup_trials=16), wanted=16)))
    assert level == "warning"
    assert "16" in text
    assert check_sampler(study(searched(startup_trials=16), wanted=17)) == []
    assert levels(check_sampler(study(searched(sampler="random")))) == ["note"]


def test_searching_the_number_of_stored_views_is_a_warning_where_none_are_stored() -> None:
    def found(mode: str, views: object) -> list[str]:
        space = {"image_size": 96, "augment": "light", "views": views}
        return levels(check_views(study(make_plan(space, views={"mode": mode}))))

    assert found("online", {"int": [2, 8]}) == ["warning"]
    assert found("online", 4) == found("stored", {"int": [2, 8]}) == []


def test_search_of_another_tool_is_not_checked() -> None:
    foreign = study(None)
    assert check_pruner(foreign) == check_sampler(foreign) == []


def test_machine_with_files_of_its_own_is_a_warning() -> None:
    places = {"one": "shared", "two": "/scratch/cells"}
    level, text = only(check_files(study(files_of=places)))
    assert level == "warning"
    assert "two (/scratch/cells)" in text
    assert "one" not in text
    assert "--artifacts" in text


def test_shared_files_are_ok_and_a_study_without_any_has_no_finding() -> None:
    assert check_files(study()) == []
    shared = study(files="/shared/cells", files_of={"one": "shared"})
    assert only(check_files(shared)) == ("ok", "files of trials: in /shared/cells; ")
