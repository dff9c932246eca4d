from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.fakes import make_plan

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from bcsearch.config import Plan


def test_pool_lies_in_the_space_and_is_the_same_every_time(plan: Plan) -> None:
    from bcsearch.costs.pool import draw_pool

    pool = draw_pool(plan)
    assert [each.values for each in pool] == [each.values for each in draw_pool(plan)]
    for name, param in plan.space.varied.items():
        drawn = [each.values[name] for each in pool if name in each.values]
        assert all(param.holds(value) for value in drawn)
        if param.choice is not None:
            assert set(drawn) == set(param.choice)


def test_ranges_are_drawn_whole_stepped_and_logarithmic() -> None:
    from bcsearch.costs.pool import draw_pool

    ranges = {"views": {"int": [2, 9], "step": 3}, "units_1": {"int": [8, 512], "log": True}}
    pool = draw_pool(make_plan({**ranges, "dropout": {"float": [0.0, 0.5]}, "augment": "light"}))
    counts = Counter(each.values["views"] for each in pool)
    assert set(counts) == {2, 5, 8}
    assert min(counts.values()) > 0.25 * len(pool)
    units = [int(each.values["units_1"]) for each in pool]
    assert (
        0.4 < sum(value < 64 for value in units) / len(units) < 0.6
    )  # half of the range by its logarithm
