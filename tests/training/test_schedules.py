from __future__ import annotations

import pytest

from bcsearch.config import KNOWN_PARAMS
from bcsearch.training.schedules import PLATEAU_EPOCHS, PLATEAU_FACTOR, Schedule

FIRST, EPOCHS = 0.02, 10


def rates(kind: str) -> list[float]:
    schedule = Schedule(kind, FIRST, EPOCHS)
    return [schedule.rate(epoch) for epoch in range(EPOCHS + 1)]


@pytest.mark.parametrize(
    ("kind", "middle", "end"),
    [
        ("constant", FIRST, FIRST),
        ("cosine", FIRST / 2, 0.0),
        ("exponential", FIRST / 10, FIRST / 100),
        ("plateau", FIRST, FIRST),
    ],
)
def test_rate_starts_at_the_first_and_goes_where_its_kind_goes(
    kind: str, middle: float, end: float
) -> None:
    found = rates(kind)
    assert found[0] == FIRST
    assert found[EPOCHS // 2] == pytest.approx(middle)
    assert found[EPOCHS] == pytest.approx(end, abs=1e-12)
    assert found == sorted(found, reverse=True)
    assert min(found[:-1]) > 0  # every epoch that is trained learns


def test_every_kind_that_a_space_may_name_is_known() -> None:
    assert all(rates(kind) for kind in KNOWN_PARAMS["schedule"].names)


def plateau_after(*means: float) -> float:
    schedule = Schedule("plateau", 1.0, 100)
    for mean in means:
        schedule.observe(mean)
    return schedule.rate(len(means))


@pytest.mark.parametrize(
    ("means", "cuts"),
    [
        ([0.5, 0.6, 0.7, 0.8, 0.9], 0),
        ([0.5] * PLATEAU_EPOCHS, 0),
        ([0.5] * (PLATEAU_EPOCHS + 1), 1),
        ([0.5] * (2 * PLATEAU_EPOCHS + 1), 2),
        ([0.5, 0.4, 0.4, 0.6, 0.5, 0.5], 0),
    ],
    ids=["rising", "not yet", "flat", "flat twice", "rising in between"],
)
def test_plateau_cuts_the_rate_when_the_mean_stops_rising(means: list[float], cuts: int) -> None:
    assert plateau_after(*means) == pytest.approx(PLATEAU_FACTOR**cuts)


@pytest.mark.parametrize("kind", ["constant", "cosine", "exponential"])
def test_other_kinds_do_not_listen_to_the_mean(kind: str) -> None:
    schedule = Schedule(kind, FIRST, EPOCHS)
    for _ in range(9):
        schedule.observe(0.1)
    assert [schedule.rate(epoch) for epoch in range(EPOCHS + 1)] == rates(kind)
