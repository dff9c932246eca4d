from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from bcsearch.errors import ConfigError
from tests.fakes import make_plan

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from bcsearch.backbones.cuts import Cut
    from bcsearch.config import Plan
    from bcsearch.costs.pool import Candidate
    from bcsearch.training.trainer import Trainer


def test_pool_lies_in_the_space_and_is_the_same_every_time(plan: Plan) -> None:
    from bcsearch.costs.pool import draw_pool

    pool = draw_pool(plan)
    assert [each.values for each in pool] == [each.values for each in draw_pool(plan)]
    for name, param in plan.space.varied.items():
        drawn = [each.values[name] for each in pool if name in each.values]
        assert all(param.holds(value) for value in drawn)
        if param.choice is not None:
            assert set(drawn) == set(param.choice)


def test_points_are_every_combination_that_decides_on_what_is_read() -> None:
    from bcsearch.costs.pool import MOST_POINTS, all_points

    space = {
        "preprocess": {"choice": ["none", "grayscale"]},
        "image_size": {"int": [32, 96], "step": 32},
        "augment": {"choice": ["none", "light", "medium"]},
        "views": {"int": [2, 64], "when": {"augment": ["light"]}},
        "learning_rate": {"float": [1e-4, 1e-2]},
        "head_layers": {"int": [0, 1]},
        "unfreeze_fraction": {"float": [0.0, 0.5], "when": {"head_layers": [1]}},
    }
    points = all_points(make_plan(space))
    found = {
        (each.params.preprocess, each.params.image_size, each.params.augment, each.params.views)
        for each in points
    }
    assert {(gray, size) for gray, size, _, _ in found} == {
        (gray, size) for gray in ("none", "grayscale") for size in (32, 64, 96)
    }
    assert {views for *_, augment, views in found if augment == "light"} == {2, 18, 33, 48, 64}
    cuts = {each.stages[-1].cut.fraction for each in points}
    within = {cut.fraction for cut in cuts_in(points) if cut.fraction <= 0.5}
    assert within <= cuts
    assert len(points) < MOST_POINTS


def test_points_hold_every_step_of_the_strength_and_once_where_nothing_is_augmented() -> None:
    from bcsearch.costs.pool import all_points

    space = {
        "augment": {"choice": ["none", "light"]},
        "augment_strength": {"float": [0.2, 0.6]},
    }
    found = {
        (each.params.augment, each.params.augment_strength) for each in all_points(make_plan(space))
    }
    light = {("light", strength) for strength in (0.2, 0.3, 0.4, 0.5, 0.6)}
    assert found == {("none", 0.5), *light}


def cuts_in(points: list[Candidate]) -> set[Cut]:
    from bcsearch.backbones.cuts import cuts_of

    return {cut for each in points for cut in cuts_of(*each.network)}


def test_many_backbones_are_no_range_and_what_fits_is_named(
    trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bcsearch.backbones.table import backbone_names
    from bcsearch.costs.limit import check_cache

    names = [name for name in backbone_names() if "large" not in name][:18]
    weights = dict.fromkeys(names, trainer.features.weights["custom"])
    monkeypatch.setattr(trainer.features, "weights", weights)
    plan = make_plan({"backbone": {"choice": names}, "image_size": 32})
    with pytest.raises(ConfigError, match="without backbone = '"):
        check_cache(plan, trainer, 10**6)


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
