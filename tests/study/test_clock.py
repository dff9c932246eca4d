from __future__ import annotations

import time

from bcsearch.study.clock import Clock


def test_time_counts_from_when_the_command_began() -> None:
    clock = Clock(seconds=100.0, begun=time.monotonic() - 90.0)
    assert 9.0 < clock.left <= 10.0


def test_trials_begin_while_one_like_the_last_ones_fits_beside_the_refit() -> None:
    clock = Clock(seconds=100.0, begun=time.monotonic() - 80.0, refit_seconds=lambda: 5.0)
    assert clock.allows_trial()
    clock.trial_ended(10.0)
    assert clock.allows_trial()  # 20 seconds are left for 10 and 5
    clock.trial_ended(30.0)
    assert not clock.allows_trial()
    for _ in range(10):
        clock.trial_ended(1.0)
    assert clock.allows_trial()  # only the last ten count


def test_running_trial_ends_when_only_the_refit_has_time_left() -> None:
    clock = Clock(seconds=100.0, begun=time.monotonic() - 96.0, refit_seconds=lambda: 5.0)
    assert not clock.allows_trial()
    assert clock.is_up()


def test_time_does_not_end_before_there_is_a_trial_to_refit() -> None:
    done: list[int] = []
    clock = Clock(seconds=1.0, begun=time.monotonic() - 9.0, has_model=lambda: bool(done))
    assert clock.allows_trial()
    assert not clock.is_up()
    done.append(1)
    assert not clock.allows_trial()
    assert clock.is_up()
