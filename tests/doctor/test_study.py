from __future__ import annotations

from typing import Any

import pytest

from bcsearch.records import TrialRecord, TrialState
from bcsearch.study.doctor.trials import (
    check_attempts,
    check_claims,
    check_heartbeats,
    check_origin,
    check_overview,
    check_pace,
    check_progress,
    check_stale,
)
from tests.fakes import make_plan
from tests.study.doctor.made import at, claim, levels, only, running, study

LOST = (running(3, 300.0), running(4))


def failed(number: int, retry_of: int | None = None, note: str = "") -> TrialRecord:
    return TrialRecord(number=number, state=TrialState.FAIL, retry_of=retry_of, note=note)


def test_progress_counts_trials_done_and_running() -> None:
    counts = {
        TrialState.COMPLETE: 5,
        TrialState.PRUNED: 3,
        TrialState.FAIL: 2,
        TrialState.WAITING: 4,
    }
    assert only(check_progress(study(counts=counts, running=LOST[1:]))) == (
        "ok",
        "study cells: 8 of 100 trials done, 1 running, 4 queued; ",
    )


def test_overview_tells_lost_trials_and_how_to_queue_them_again() -> None:
    level, text = only(check_overview(study(running=LOST)))
    assert level == "wrong"
    assert "0 of 100 trials done, 1 running, 1 lost" in text
    assert "with --reap" in text
    assert levels(check_overview(study(running=LOST[1:]))) == ["ok"]


def test_silent_trial_is_told_with_its_worker_and_the_grace() -> None:
    level, text = only(check_stale(study(running=LOST)))
    assert level == "wrong"
    assert all(
        words in text for words in ("trial 3", "host-7", "5.0 minutes", "60 seconds", "--reap")
    )
    assert check_stale(study(running=LOST[1:])) == []


def test_grace_is_the_studys_own() -> None:
    patient = make_plan(limits={"grace_seconds": 600})
    assert check_stale(study(patient, running=LOST)) == []


def test_study_of_another_tool_has_no_lost_trials_and_says_so() -> None:
    foreign = study(None, running=LOST)
    assert check_stale(foreign) == check_heartbeats(foreign) == []
    assert levels(check_overview(foreign)) == ["ok"]
    assert only(check_origin(foreign))[0] == "note"
    assert "another bcsearch" in only(check_origin(study(None, settings="{}")))[1]
    assert check_origin(study()) == []


def test_trial_that_lives_but_takes_far_longer_than_any_before_is_told() -> None:
    done = TrialRecord(number=0, state=TrialState.COMPLETE, started=at(0), finished=at(120))
    hung: dict[str, Any] = {
        "trials": [done],
        "claims": [claim("host-7", 120, trial=1)],
        "running": [running(1)],
    }
    level, text = only(check_pace(study(**hung, now=at(120 + 1201))))
    assert level == "warning"
    assert all(
        words in text for words in ("trial 1 of host-7", "20.0 minutes", "2.0 minutes", "kill it")
    )
    assert check_pace(study(**hung, now=at(120 + 1199))) == []
    assert (
        check_pace(study(**{**hung, "trials": []}, now=at(10**5))) == []
    )  # nothing to compare with
    assert (
        check_pace(study(**{**hung, "running": [running(1, 300.0)]}, now=at(10**5))) == []
    )  # lost, not slow


def test_trial_without_a_heartbeat_is_told() -> None:
    level, text = only(check_heartbeats(study(running=[running(5, has_heartbeat=False)])))
    assert level == "warning"
    assert "trial 5" in text


def test_heartbeat_and_grace_in_force_are_told() -> None:
    level, text = only(check_heartbeats(study(running=[running(5)])))
    assert level == "ok"
    assert "every 10 seconds" in text
    assert "after 60 seconds" in text


def test_claim_that_came_to_nothing_is_noted_after_the_grace() -> None:
    claims = [claim("a-1", 0, trial=None), claim("b-1", 50, trial=None), claim("c-1", 0)]
    level, text = only(check_claims(study(claims=claims, now=at(100))))
    assert (level, "a-1" in text, "b-1" in text) == ("note", True, False)
    assert check_claims(study(claims=claims, now=at(55))) == []


def test_study_without_failed_trials_has_no_attempts_to_tell() -> None:
    assert check_attempts(study(trials=[TrialRecord(number=0, state=TrialState.COMPLETE)])) == []


def test_retried_trial_is_noted() -> None:
    retry = TrialRecord(number=1, state=TrialState.WAITING, retry_of=0)
    assert only(check_attempts(study(trials=[failed(0), retry])))[0] == "note"


def test_trial_that_is_lost_after_every_retry_is_given_up() -> None:
    chain = [failed(0), *(failed(number, number - 1) for number in (1, 2, 3))]
    found = check_attempts(study(trials=chain))
    assert levels(found) == ["note", "warning"]
    assert "3 trials lost" in found[0].what
    assert "trial 3 given up" in found[1].what


@pytest.mark.parametrize("retries", [0, 3])
def test_trial_that_failed_by_an_error_is_told_with_its_note(retries: int) -> None:
    plan = make_plan(limits={"retries": retries})
    level, text = only(check_attempts(study(plan, trials=[failed(0, note="out of memory")])))
    assert level == "warning"
    assert "trial 0 failed with an error, so not tried again: out of memory" in text
