from __future__ import annotations

import time

import pytest

from bcsearch.records.events import BudgetKnown
from bcsearch.study.clock import Clock, Pace


def clock_of(left: float, *, trial: float = 0.0, refit: float = 0.0, model: bool = True) -> Clock:
    """Return a clock of 100 seconds of which so many are left."""
    return Clock(
        seconds=100.0,
        begun=time.monotonic() - (100.0 - left),
        trial_seconds=lambda: trial,
        refit_seconds=lambda: refit,
        has_model=lambda: model,
    )


def test_time_left_is_what_is_not_over_yet() -> None:
    assert 9.0 < clock_of(10.0).left <= 10.0


@pytest.mark.parametrize(
    ("trial", "refit", "allowed"), [(10.0, 5.0, True), (16.0, 5.0, False), (10.0, 11.0, False)]
)
def test_trial_begins_only_while_there_is_time_for_one_like_the_last_and_for_the_refit(
    trial: float, refit: float, allowed: bool
) -> None:
    assert clock_of(20.0, trial=trial, refit=refit).allows_trial() is allowed


def test_running_trial_ends_when_only_the_refit_is_left() -> None:
    assert clock_of(4.0, refit=5.0).is_up()
    assert not clock_of(6.0, trial=50.0, refit=5.0).is_up()


def test_time_does_not_end_before_there_is_a_model_which_is_looked_for_during_a_trial() -> None:
    done: list[int] = []
    clock = Clock(seconds=1.0, begun=time.monotonic() - 9.0, has_model=lambda: bool(done))
    assert clock.allows_trial()
    assert not clock.is_up()
    done.append(1)
    clock._looked -= 60.0  # as if the trial had gone on for a minute
    assert clock.is_up()


def test_study_is_asked_now_and_then_only() -> None:
    looks: list[int] = []

    def has_model() -> bool:
        looks.append(1)
        return False

    clock = Clock(seconds=1.0, begun=time.monotonic() - 9.0, has_model=has_model)
    for _ in range(100):
        assert not clock.is_up()
    assert len(looks) == 1


def known(filled: int, trials: int) -> BudgetKnown:
    return BudgetKnown(trials=trials, filled=filled, best=None)


def test_pace_is_that_of_the_trials_since_it_was_made() -> None:
    pace = Pace(known(5, 20))
    assert pace.seconds_left(known(5, 20), None, grow=False) is None
    pace._begun -= 30.0
    left = pace.seconds_left(known(8, 20), None, grow=False)
    assert left == pytest.approx(120.0, rel=0.01)
    assert pace.seconds_left(known(8, 20), clock_of(50.0), grow=False) == pytest.approx(50, abs=1)
    assert pace.seconds_left(known(20, 20), clock_of(50.0), grow=True) == pytest.approx(50, abs=1)
    assert pace.seconds_left(known(8, 20), clock_of(-9.0), grow=False) == 0.0
