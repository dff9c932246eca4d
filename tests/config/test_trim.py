from __future__ import annotations

import pytest

from bcsearch.config import Space
from bcsearch.config.trim import Removal, removals_of, without

SPACE = Space.model_validate(
    {
        "params": {
            "backbone": {"choice": ["efficientnet_lite0", "convnext_tiny"]},
            "image_size": 96,
            "unfreeze_fraction": {"float": [0.0, 0.8]},
            "views": {"int": [2, 10]},
            "head_layers": {"int": [0, 2]},
            "units_1": {"choice": [32, 64], "when": {"head_layers": [1, 2]}},
            "units_2": {"choice": [32, 64], "when": {"head_layers": [2]}},
            "batch_norm": {
                "choice": ["frozen", "trained"],
                "when": {"backbone": ["efficientnet_lite0"]},
            },
        }
    }
)
LITE = Removal(name="backbone", value="efficientnet_lite0")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("backbone", ["backbone efficientnet_lite0", "backbone convnext_tiny"]),
        ("unfreeze_fraction", ["unfreeze_fraction above 0.4"]),
        ("views", ["views above 6"]),
        ("image_size", []),
        ("augment", []),
    ],
)
def test_one_value_of_a_choice_or_the_upper_half_of_a_range_can_go(
    name: str, said: list[str]
) -> None:
    assert [str(removal) for removal in removals_of(SPACE, name, SPACE)] == said


def test_what_is_left_does_not_hold_what_went() -> None:
    for name in SPACE.varied:
        for removal in removals_of(SPACE, name, SPACE):
            left = without(SPACE, removal).params[name]
            assert left != SPACE.params[name]
            kept = [value for value in (0.2, 0.7, 3, 9, 2, "convnext_tiny") if _holds(left, value)]
            assert not any(removal.concerns({name: value}) for value in kept)


def _holds(param: object, value: str | float) -> bool:
    from bcsearch.config import Param

    return isinstance(param, Param) and param.holds(value)


def test_a_choice_of_one_and_an_eighth_of_a_range_stay() -> None:
    space = SPACE
    for name in ("backbone", "unfreeze_fraction", "views"):
        while removals := removals_of(space, name, SPACE):
            space = without(space, removals[0])
    assert space.varied["backbone"].choice == ("convnext_tiny",)
    assert space.varied["unfreeze_fraction"].floats == (0.0, 0.1)
    assert space.varied["views"].ints == (2, 3)


def test_whole_numbers_stay_on_their_steps_and_may_come_down_to_one() -> None:
    space = Space.model_validate(
        {"params": {"image_size": {"int": [96, 224], "step": 32}, "views": {"int": [2, 3]}}}
    )
    (half,) = removals_of(space, "image_size", space)
    assert str(half) == "image_size above 160"
    (last,) = removals_of(space, "views", space)
    assert without(space, last).params["views"] == 2


def test_parameters_go_whose_conditions_can_no_longer_hold() -> None:
    assert "batch_norm" not in without(SPACE, LITE).params
    shallow = without(SPACE, Removal(name="head_layers", value=1, above=True))
    assert shallow.varied["units_1"].when == {"head_layers": (1,)}
    assert "units_2" not in shallow.params


@pytest.mark.parametrize(
    ("removal", "values", "concerned"),
    [
        (LITE, {"backbone": "efficientnet_lite0"}, True),
        (LITE, {"backbone": "convnext_tiny"}, False),
        (LITE, {}, False),
        (Removal(name="views", value=6, above=True), {"views": 7}, True),
        (Removal(name="views", value=6, above=True), {"views": 6}, False),
        (Removal(name="views", value=6, above=True), {}, False),
    ],
)
def test_removal_knows_whom_it_concerns(
    removal: Removal, values: dict[str, str | int], concerned: bool
) -> None:
    assert removal.concerns(values) is concerned
