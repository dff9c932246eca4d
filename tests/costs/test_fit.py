from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bcsearch.errors import ConfigError
from tests.costs.conftest import LITE

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from bcsearch.costs.fit import Fitted
    from bcsearch.costs.forecast import Estimator

TRIALS = 20


def fitted(
    estimator: Estimator, seconds: float | None = None, cache_bytes: int | None = None
) -> Fitted:
    from bcsearch.costs.fit import Limit, fit

    return fit(estimator, TRIALS, Limit(seconds=seconds, cache_bytes=cache_bytes))


def test_without_a_limit_nothing_is_left_out(estimator: Estimator) -> None:
    found = fitted(estimator)
    assert found.space == estimator.plan.space
    assert (found.forecast.left_out, found.forecast.trials, found.forecast.wanted) == (
        (),
        TRIALS,
        TRIALS,
    )


def test_the_dearest_choice_goes_first_and_what_is_left_fits(estimator: Estimator) -> None:
    whole = fitted(estimator).forecast.work.seconds
    found = fitted(estimator, seconds=whole / 10)
    assert found.forecast.left_out == ("unfreeze_fraction 0.12",)  # by the made-up speeds
    assert found.space.varied["unfreeze_fraction"].choice == (0.0,)
    assert found.space.varied["backbone"] == estimator.plan.space.varied["backbone"]
    assert found.forecast.work.seconds <= whole / 10
    less = fitted(estimator, seconds=found.forecast.work.seconds / 2)
    assert less.forecast.left_out[0] == "unfreeze_fraction 0.12"
    assert len(less.forecast.left_out) == 2
    assert less.forecast.work.seconds <= found.forecast.work.seconds / 2
    assert less.forecast.trials == TRIALS


def test_where_one_choice_is_enough_the_cheapest_that_is_enough_goes(estimator: Estimator) -> None:
    whole = fitted(estimator).forecast.work.seconds
    found = fitted(estimator, seconds=0.99 * whole)
    assert len(found.forecast.left_out) == 1
    assert found.forecast.left_out != ("unfreeze_fraction 0.12",)
    assert found.forecast.work.seconds <= 0.99 * whole


def test_start_points_that_are_left_out_are_told(estimator: Estimator) -> None:
    starts = (
        {"backbone": LITE, "unfreeze_fraction": 0.12},
        {"backbone": LITE, "unfreeze_fraction": 0.0},
    )
    sweep = estimator.plan.sweep.model_copy(update={"start": starts})
    started = replace(estimator, plan=replace(estimator.plan, sweep=sweep))
    whole = fitted(started).forecast.work.seconds
    assert fitted(started, seconds=whole / 10).forecast.left_out[-1] == "1 of 2 start points"


def test_a_long_search_for_what_fits_can_be_ended(estimator: Estimator) -> None:
    from bcsearch.costs.fit import Limit, fit

    def end() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(estimator, TRIALS, Limit(seconds=1.0), end)


def test_trials_go_where_the_cheapest_choices_are_too_dear(estimator: Estimator) -> None:
    cheapest = fitted(estimator, seconds=10.5)
    assert 1 <= cheapest.forecast.trials < TRIALS == cheapest.forecast.wanted
    assert cheapest.forecast.work.seconds <= 10.5


def test_cache_limit_counts_every_choice(estimator: Estimator) -> None:
    whole = fitted(estimator).forecast.all_bytes
    found = fitted(estimator, cache_bytes=whole // 2)
    assert found.forecast.left_out
    assert found.forecast.all_bytes <= whole // 2


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (
            {"seconds": 0.6},
            r"--minutes: came 0\.01, but one trial of the cheapest choices needs about \d+ seconds",
        ),
        (
            {"cache_bytes": 10},
            "--max-cache: came 10 B, but one trial of the cheapest choices needs about",
        ),
        ({"cache_bytes": 0}, "--max-cache: came 0 B"),
    ],
)
def test_limit_that_leaves_no_room_for_a_trial_is_refused(
    estimator: Estimator, limit: dict[str, float], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        fitted(estimator, **limit)  # type: ignore[arg-type]
