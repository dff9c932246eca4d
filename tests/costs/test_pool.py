from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.costs.conftest import LITE
from tests.fakes import make_plan

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from typing import Any

    from bcsearch.config import Plan
    from bcsearch.costs.pool import Candidate


def one(**params: Any) -> Candidate:
    from bcsearch.costs.pool import draw_pool

    plan = make_plan(
        {"backbone": LITE, "head_layers": 0, "learning_rate": {"float": [1e-4, 1e-2]}, **params}
    )
    return draw_pool(plan)[0]


def read(candidate: Candidate) -> list[tuple[str, int]]:
    return [(cut.name, n_views) for cut, n_views in candidate.needs]


def test_pool_lies_in_the_space_and_is_the_same_every_time(plan: Plan) -> None:
    from bcsearch.costs.pool import draw_pool

    pool = draw_pool(plan)
    assert [each.values for each in pool] == [each.values for each in draw_pool(plan)]
    for name, param in plan.space.varied.items():
        drawn = [each.values[name] for each in pool]
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


def test_trials_that_are_known_beforehand_come_first(plan: Plan) -> None:
    from bcsearch.costs.pool import draw_pool

    known = dict(draw_pool(plan)[7].values)
    first, *others = draw_pool(plan, [known])
    assert first.values == known
    assert [each.values for each in others] == [each.values for each in draw_pool(plan)]


def test_frozen_trial_reads_features_of_every_view() -> None:
    assert read(one(augment="light", views=3)) == [("pooled", 3)]
    assert read(one()) == [("pooled", 1)]


def test_staged_trial_reads_its_shallowest_cut_first_and_the_features_last() -> None:
    staged = one(
        augment="light", views=2, unfreeze_fraction=0.44, unfreeze_schedule="half_then_all"
    )
    assert read(staged) == [("block13_add", 2), ("block14_add", 2), ("pooled", 2)]
    at_once = one(augment="light", views=2, unfreeze_fraction=0.44)
    assert read(at_once) == [
        ("block13_add", 2),
        ("pooled", 1),
    ]  # its scaling comes from the clean features


def test_network_trained_whole_reads_images_only() -> None:
    whole = one(backbone="custom", augment="light", views=2)
    assert read(whole) == [("input", 2)]
    assert whole.cuts_read == ()
