from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bcsearch.config import Param, Space
from bcsearch.errors import ConfigError

if TYPE_CHECKING:
    from bcsearch.recipe import Value


@pytest.mark.parametrize(
    ("domain", "inside", "outside"),
    [
        ({"float": [1e-4, 1e-2], "log": True}, [1e-4, 5e-3, 1e-2], [9e-5, 0.011, "x"]),
        ({"int": [0, 2]}, [0, 1, 2], [-1, 3, 0.5, "1"]),
        ({"int": [32, 128], "step": 32}, [32, 64, 128], [33, 160]),
        ({"choice": ["relu", "gelu"]}, ["relu", "gelu"], ["elu", 0]),
    ],
)
def test_domain_holds_its_ends_and_nothing_outside(
    domain: dict[str, Any], inside: list[Value], outside: list[Value]
) -> None:
    param = Param.model_validate(domain)
    assert all(param.holds(value) for value in inside)
    assert not any(param.holds(value) for value in outside)


def test_space_tells_what_varies_from_what_is_fixed_in_the_order_of_the_file() -> None:
    space = Space.model_validate(
        {
            "params": {
                "views": 8,
                "optimizer": {"choice": ["sgd", "adam"]},
                "l2": 0.0,
                "dropout": {"float": [0, 0.5]},
            }
        }
    )
    assert list(space.varied) == ["optimizer", "dropout"]
    assert space.fixed == {"views": 8, "l2": 0.0}


@pytest.mark.parametrize(
    ("domain", "said"),
    [
        ({"float": [0.1, 0.9], "log": True}, "log does not go with its steps"),
        ({"float": [0.0, 0.25]}, "came 0.25, allowed: a number from 0 to 1 in steps of 0.1"),
        ({"choice": [0.2, 0.33]}, "came 0.33, allowed: a number from 0 to 1 in steps of 0.1"),
    ],
)
def test_domain_of_a_parameter_with_steps_keeps_to_them(domain: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=f"augment_strength: {said}"):
        Space.model_validate({"params": {"augment": "light", "augment_strength": domain}})


def test_values_keep_their_type() -> None:
    params = {"units_1": {"choice": [64, 128]}, "l2": 0.0, "image_size": 96, "optimizer": "sgd"}
    space = Space.model_validate({"params": params})
    drawn = [*(space.varied["units_1"].choice or ()), *space.fixed.values()]
    assert [type(value) for value in drawn] == [int, int, float, int, str]


def test_condition_may_stand_on_a_value_that_is_set() -> None:
    space = Space.model_validate(
        {
            "params": {
                "optimizer": "sgd",
                "momentum": {"float": [0.5, 0.9], "when": {"optimizer": ["sgd"]}},
            }
        }
    )
    assert space.varied["momentum"].when == {"optimizer": ("sgd",)}
