from __future__ import annotations

from typing import TYPE_CHECKING

import optuna
import pytest

from bcsearch.config import RunOptions, find_files, load_plan
from bcsearch.errors import ConfigError
from bcsearch.recipe import Params
from bcsearch.records.events import ignore
from bcsearch.storage import open_storage
from tests.fakes import make_plan, open_session

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", sorted(find_files("sweeps")))
def test_first_point_of_every_shipped_sweep_is_a_cheap_one_of_its_space(name: str) -> None:
    from bcsearch.study.starts import first_points

    plan = load_plan(name)
    first = first_points(plan)[0]
    params = Params(**{**plan.space.fixed, **first})
    assert all(plan.space.varied[key].holds(value) for key, value in first.items())
    if name not in ("published", "robust"):  # those of reports; one head on each preprocessing
        assert params.head_layers == 0
    if name != "robust":  # which has eight views of everything
        assert params.n_views == 1
    assert params.image_size == min(plan.space.choice_of("image_size"))
    fractions = [float(share) for share in plan.space.choice_of("unfreeze_fraction")]
    assert params.unfreeze_fraction == min(fractions)


def test_start_points_are_tried_the_cheapest_first() -> None:
    from bcsearch.study.starts import first_points

    space = {"image_size": {"choice": [64, 96]}, "augment": {"choice": ["none", "light"]}}
    expensive = {"image_size": 96, "augment": "light"}
    cheap, between = {"image_size": 64, "augment": "none"}, {"image_size": 96, "augment": "none"}
    plan = make_plan(space, start=[expensive, cheap, between])
    assert first_points(plan) == [cheap, between, expensive]


def test_only_parameters_whose_conditions_hold_are_named() -> None:
    from bcsearch.study.starts import cheapest_point

    space = {
        "head_layers": {"int": [0, 2]},
        "units_1": {"choice": [8, 16], "when": {"head_layers": [1, 2]}},
        "learning_rate": {"float": [1e-4, 1e-2], "log": True},
        "augment": "light",
        "augment_strength": {"float": [0.2, 0.9]},  # in its middle is no step
    }
    assert cheapest_point(make_plan(space)) == {
        "head_layers": 0,
        "learning_rate": pytest.approx(1e-3),
        "augment_strength": 0.2,
    }


def test_start_points_are_those_of_a_study_that_begins_also_where_its_making_broke_off(
    tmp_path: Path,
) -> None:
    from bcsearch.study.starts import cheapest_point, with_starts

    plan, url = make_plan(), f"sqlite:///{tmp_path / 'study.db'}"
    named = RunOptions(from_config=tmp_path / "nowhere.toml")
    storage = open_storage(url, plan.sweep.limits)
    optuna.create_study(storage=storage, study_name=plan.name)  # killed before it said what it is
    assert with_starts(plan, RunOptions(), url, ignore).sweep.start == (cheapest_point(plan),)
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        with_starts(plan, named, url, ignore)
    storage.engine.dispose()
    open_session(tmp_path, plan, name="whole")
    assert with_starts(plan, named, url, ignore) == plan  # of which nothing is read any more
