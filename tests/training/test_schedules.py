from __future__ import annotations

import pytest

from bcsearch.recipe import Params
from bcsearch.training.schedules import PLATEAU_EPOCHS, SCHEDULES, Schedule

FULL, EPOCHS = 0.02, 10
ENDS = {  # the rate in the middle and at the end
    "constant": (FULL, FULL),
    "cosine": (FULL / 2, 0.0),
    "exponential": (FULL / 10, FULL / 100),
    "plateau": (FULL, FULL),
    "step": (FULL / 10, FULL / 100),
}


def schedule_of(kind: str, warmup_epochs: int = 0, epochs: int = EPOCHS) -> Schedule:
    params = Params(schedule=kind, learning_rate=FULL, warmup_epochs=warmup_epochs)
    return Schedule(params, epochs)


def rates(kind: str, warmup_epochs: int = 0) -> list[float]:
    schedule = schedule_of(kind, warmup_epochs, EPOCHS + warmup_epochs)
    return [schedule.rate(epoch) for epoch in range(EPOCHS + warmup_epochs + 1)]


@pytest.mark.parametrize("kind", ENDS)
def test_rate_starts_at_the_full_one_and_goes_where_its_kind_goes(kind: str) -> None:
    found = rates(kind)
    middle, end = ENDS[kind]
    assert found[0] == FULL
    assert found[EPOCHS // 2] == pytest.approx(middle)
    assert found[EPOCHS] == pytest.approx(end, abs=1e-12)
    assert found == sorted(found, reverse=True)
    assert min(found[:-1]) > 0  # every epoch that is trained learns


def test_one_cycle_rises_to_the_full_rate_and_falls_to_zero() -> None:
    found = rates("one_cycle")
    assert found[0] == pytest.approx(FULL / 25)
    assert found[3] == pytest.approx(FULL)
    assert found[:4] == sorted(found[:4])
    assert found[3:] == sorted(found[3:], reverse=True)
    assert found[EPOCHS] == pytest.approx(0.0, abs=1e-12)
    assert min(found[:-1]) > 0


def test_step_falls_to_a_tenth_after_a_half_and_after_three_quarters() -> None:
    shares = [rate / FULL for rate in rates("step")]
    assert shares == pytest.approx([1.0] * 5 + [0.1] * 3 + [0.01] * 3)


@pytest.mark.parametrize("kind", ENDS)
def test_warm_up_rises_evenly_to_the_schedule_that_takes_the_other_epochs(kind: str) -> None:
    found = rates(kind, warmup_epochs=3)
    assert found[:3] == pytest.approx([FULL / 4, FULL / 2, 3 * FULL / 4])
    assert found[3:] == rates(kind)


def test_warm_up_longer_than_the_training_only_rises() -> None:
    schedule = schedule_of("cosine", warmup_epochs=4, epochs=3)
    assert [schedule.rate(epoch) for epoch in range(3)] == pytest.approx(
        [FULL / 5, 2 * FULL / 5, 3 * FULL / 5]
    )


def test_schedule_begins_anew_for_the_second_stage_of_sampling() -> None:
    params = Params(schedule="cosine", learning_rate=FULL, sampling="second_stage")
    schedule = Schedule(params, 20)
    found = [schedule.rate(epoch) / FULL for epoch in range(20)]
    assert found[0] == found[15] == 1.0
    assert found[:15] == sorted(found[:15], reverse=True)
    assert found[15:] == sorted(found[15:], reverse=True)
    assert found[14] < 0.05 > found[19] * 0.5


def plateau_after(*means: float) -> float:
    schedule = schedule_of("plateau", epochs=100)
    for mean in means:
        schedule.observe(mean)
    return schedule.rate(len(means)) / FULL


@pytest.mark.parametrize(
    ("means", "cuts"),
    [
        ([0.5, 0.6, 0.7, 0.8, 0.9], 0),
        ([-0.5, -0.4, -0.3, -0.2], 0),
        ([0.5] * PLATEAU_EPOCHS, 0),
        ([0.5] * (PLATEAU_EPOCHS + 1), 1),
        ([0.5] * (2 * PLATEAU_EPOCHS + 1), 2),
        ([0.5, 0.4, 0.4, 0.6, 0.5, 0.5], 0),
    ],
    ids=["rising", "rising below zero", "not yet", "flat", "flat twice", "rising in between"],
)
def test_plateau_cuts_the_rate_when_the_mean_stops_rising(means: list[float], cuts: int) -> None:
    assert plateau_after(*means) == pytest.approx(0.3**cuts)


@pytest.mark.parametrize("kind", [kind for kind in SCHEDULES if kind != "plateau"])
def test_other_kinds_do_not_listen_to_the_mean(kind: str) -> None:
    schedule = schedule_of(kind)
    for _ in range(9):
        schedule.observe(0.1)
    assert [schedule.rate(epoch) for epoch in range(EPOCHS + 1)] == rates(kind)
