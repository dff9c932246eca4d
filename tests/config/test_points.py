from __future__ import annotations

from typing import Any

import pytest

from bcsearch.config import find_files, load_plan
from bcsearch.config.points import point_of
from bcsearch.config.space import Space
from bcsearch.errors import ConfigError
from bcsearch.recipe import Params
from bcsearch.study.balanced import balanced_points

PARAMS: dict[str, Any] = {
    "image_size": 96,
    "head_layers": {"int": [0, 2]},
    "units_1": {"choice": [64, 128], "when": {"head_layers": [1, 2]}},
    "units_2": {"choice": [64, 128], "when": {"head_layers": [2]}},
    "dropout_0": 0.0,
    "dropout": {"float": [0.0, 0.6], "when": {"head_layers": [1, 2]}},
    "learning_rate": {"float": [1e-4, 1e-2], "log": True},
}
SPACE = Space(params=PARAMS)


@pytest.mark.parametrize("name", sorted(find_files("sweeps")))
def test_every_configuration_of_a_shipped_space_is_its_own_point(name: str) -> None:
    space = load_plan(name).space
    for point in balanced_points(space, 12, seed=0):
        params = Params(**space.fixed, **point)
        again = point_of(params.acting, space)
        assert Params(**space.fixed, **again) == params
        assert set(again) == set(point)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"learning_rate": 0.5}, "learning_rate = 0.5 lies outside the space"),
        ({"units_1": 256}, "units_1 = 256 lies outside the space"),
        ({"image_size": 160}, "image_size = 160 cannot be had in the space, where it is 96"),
        ({"augment": "light"}, "augment = 'light' cannot be had in the space, where it is 'none'"),
        (
            {"dropout_1": 0.1, "dropout_2": 0.3},
            "dropout has one value in the space, here dropout_1 = 0.1, dropout_2 = 0.3",
        ),
        ({"units": 8}, "unknown parameter 'units'"),
        ({"learning_rate": "high"}, "learning_rate: "),
    ],
)
def test_what_does_not_fit_is_named(changes: dict[str, Any], complaint: str) -> None:
    base = Params(head_layers=2, units_1=64, units_2=64, dropout_0=0.0, dropout=0.5)
    with pytest.raises(ConfigError) as caught:
        point_of({**base.acting, **changes}, SPACE)
    assert complaint in str(caught.value)


def test_short_form_stands_for_the_places_without_a_value_of_their_own() -> None:
    params = Params(head_layers=1, units_1=64, dropout_0=0.0, dropout_1=0.25)
    point = point_of(params.acting, SPACE)
    assert point == {"head_layers": 1, "units_1": 64, "dropout": 0.25, "learning_rate": 1e-3}


def test_value_outside_of_the_space_is_no_matter_where_it_does_not_act_in_the_sweep() -> None:
    space = Space.model_validate(
        {"params": {"image_size": 96, "augment": "light", "views": {"int": [6, 12]}}}
    )

    def without_views(params: Params) -> Params:
        return params.but(views=4)

    assert point_of({"augment": "light", "views": 4}, space, without_views) == {"views": 6}
    with pytest.raises(ConfigError, match="views = 4 lies outside the space"):
        point_of({"augment": "light", "views": 4}, space)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(find_files("sweeps")))
def test_what_was_trained_at_its_cut_is_a_point_of_its_own_space(name: str) -> None:
    from bcsearch.training.stages import canonical

    space = load_plan(name).space
    for point in balanced_points(space, 8, seed=0):
        trained = canonical({**space.fixed, **point}, 20)
        again = point_of(trained.acting, space, lambda params: canonical(params, 20))
        assert canonical({**space.fixed, **again}, 20) == trained
