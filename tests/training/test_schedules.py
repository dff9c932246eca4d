from __future__ import annotations

import pytest

from bcsearch.training.schedules import PLATEAU_EPOCHS, SCHEDULES, Schedule

FIRST, EPOCHS = 0.02, 10
ENDS = {  # the rate in the middle and at the end
    "constant": (FIRST, FIRST),
    "cosine": (FIRST / 2, 0.0),
    "exponential": (FIRST / 10, FIRST / 100),
    "plateau": (FIRST, FIRST),
}


def rates(kind: str) -> list[float]:
    schedule = Schedule(kind, FIRST, EPOCHS)
    return [schedule.rate(epoch) for epoch in range(EPOCHS + 1)]


@pytest.mark.parametrize("kind", SCHEDULES)
def test_rate_starts_at_the_first_and_goes_where_its_kind_goes(kind: str) -> None:
    found = rates(kind)
    middle, end = ENDS[kind]
    assert found[0] == FIRST
    assert found[EPOCHS // 2] == pytest.approx(middle)
    assert found[EPOCHS] == pytest.approx(end, abs=1e-12)
    assert found == sorted(found, reverse=True)
    assert min(found[:-1]) > 0  # every epoch that is trained learns


def plateau_after(*means: float) -> float:
    schedule = Schedule("plateau", 1.0, 100)
    for mean in means:
        schedule.observe(mean)
    return schedule.rate(len(means))


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
    schedule = Schedule(kind, FIRST, EPOCHS)
    for _ in range(9):
        schedule.observe(0.1)
    assert [schedule.rate(epoch) for epoch in range(EPOCHS + 1)] == rates(kind)
