from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bcsearch.records import StudyRecord, TrialRecord, TrialState

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def study_of(*trials: tuple[TrialState, float | None]) -> StudyRecord:
    """Return a study from the state and score of each trial."""
    records = [
        TrialRecord(number=number, state=state, score=score)
        for number, (state, score) in enumerate(trials)
    ]
    return StudyRecord(
        name="cells", sweep="cells", uuid="u", trials_wanted=10, trials=tuple(records)
    )


def test_trials_that_ended_by_themselves_fill_slots_and_no_others() -> None:
    study = study_of(*((state, 0.5) for state in TrialState))
    finished = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.INFEASIBLE]
    assert study.slots_filled == len(finished)
    assert [trial.state for trial in study.trials if trial.is_finished] == finished
    assert all(study.count(state) == 1 for state in TrialState)


def test_retried_trials_are_those_that_another_took_the_place_of() -> None:
    study = study_of(*[(TrialState.FAIL, None)] * 3, (TrialState.COMPLETE, 0.5))
    first, second, third, fourth = study.trials
    chain = (first, replace(second, retry_of=0), third, replace(fourth, retry_of=1))
    assert study.retried == frozenset()
    assert replace(study, trials=chain).retried == {0, 1}


def test_best_is_the_completed_trial_with_the_highest_score() -> None:
    states = TrialState.COMPLETE, TrialState.PRUNED, TrialState.COMPLETE, TrialState.COMPLETE
    study = study_of(*zip(states, (0.5, 0.9, 0.7, 0.7), strict=True))
    assert study.best is study.trials[2]  # the earlier of two
    assert [trial.number for trial in study.completed] == [0, 2, 3]


def test_study_without_a_completed_trial_has_no_best() -> None:
    assert study_of((TrialState.PRUNED, 0.9), (TrialState.RUNNING, None)).best is None


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({"started": NOON, "finished": NOON + timedelta(minutes=1)}, 60.0),
        ({"started": NOON}, None),
        ({}, None),
    ],
    ids=["finished", "running", "waiting"],
)
def test_seconds_are_known_once_a_trial_is_finished(
    times: dict[str, Any], expected: float | None
) -> None:
    assert TrialRecord(number=0, state=TrialState.COMPLETE, **times).seconds == expected
