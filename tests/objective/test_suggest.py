from __future__ import annotations

from typing import Any

import optuna
import pytest

from bcsearch.config import Space
from bcsearch.objective.suggest import suggest_values
from bcsearch.recipe import Params, Value

SPACE = Space.model_validate(
    {
        "params": {
            "backbone": "custom_cnn",
            "image_size": 64,
            "optimizer": {"choice": ["adam", "sgd"]},
            "momentum": {"float": [0.5, 0.9], "when": {"optimizer": ["sgd"]}},
            "head_layers": {"int": [0, 2]},
            "units_1": {"choice": [32, 64], "when": {"head_layers": [1, 2]}},
            "units_2": {"int": [8, 64], "log": True, "when": {"head_layers": [2]}},
            "dropout": {"float": [0.0, 0.5], "when": {"head_layers": [1, 2], "optimizer": ["sgd"]}},
            "learning_rate": {"float": [1e-4, 1e-2], "log": True},
        }
    }
)
DRAWN: dict[str, tuple[dict[str, Value], dict[str, Value]]] = {
    "no hidden layer": ({"optimizer": "adam", "head_layers": 0}, {}),
    "one hidden layer": ({"optimizer": "adam", "head_layers": 1}, {"units_1": 64}),
    "two hidden layers": ({"optimizer": "adam", "head_layers": 2}, {"units_1": 32, "units_2": 16}),
    "another optimizer": ({"optimizer": "sgd", "head_layers": 0}, {"momentum": 0.7}),
    "two conditions hold": (
        {"optimizer": "sgd", "head_layers": 1},
        {"units_1": 32, "momentum": 0.7, "dropout": 0.1},
    ),
}


def draw(values: dict[str, Any]) -> tuple[optuna.trial.FixedTrial, Params]:
    trial = optuna.trial.FixedTrial(
        {**values, "learning_rate": 1e-3}
    )  # refuses to be asked for anything else
    values = suggest_values(trial, SPACE)  # type: ignore[arg-type]  # stands in for a Trial
    return trial, Params(**values)


@pytest.mark.parametrize("case", DRAWN)
def test_only_parameters_whose_conditions_hold_are_drawn(case: str) -> None:
    parents, children = DRAWN[case]
    trial, params = draw(parents | children)
    assert trial.params == {**parents, **children, "learning_rate": 1e-3}
    for name, value in trial.params.items():
        assert params[{"dropout": "dropout_1"}.get(name, name)] == value


def test_fixed_values_reach_the_params_and_are_never_drawn() -> None:
    trial, params = draw({"optimizer": "adam", "head_layers": 0})
    assert (params.backbone, params.image_size) == ("custom_cnn", 64)
    assert not {"backbone", "image_size"} & set(trial.params)


def test_condition_on_a_fixed_value_is_met_by_that_value() -> None:
    space = Space.model_validate(
        {
            "params": {
                "head_layers": 2,
                "units_1": {"choice": [8, 16], "when": {"head_layers": [2]}},
            }
        }
    )
    trial = optuna.trial.FixedTrial({"units_1": 16})
    values = suggest_values(trial, space)  # type: ignore[arg-type]  # stands in for a Trial
    assert Params(**values).units == (16, Params().units_2)


def test_params_are_canonical() -> None:
    _, params = draw({"optimizer": "adam", "head_layers": 0})
    assert params == params.but()
    assert params.dropout_1 == Params().dropout_1


def test_strengths_are_drawn_in_steps_so_that_few_views_are_made() -> None:
    space = Space.model_validate(
        {"params": {"augment": "light", "augment_strength": {"float": [0.2, 0.8]}}}
    )
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    drawn = set()
    for _ in range(60):
        trial = study.ask()
        params = Params(**suggest_values(trial, space))
        assert trial.params["augment_strength"] == pytest.approx(params.augment_strength)
        drawn.add(params.augment_strength)
    assert drawn == {0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8}


def test_every_draw_of_a_study_lies_in_the_space() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    for _ in range(50):
        trial = study.ask()
        suggest_values(trial, SPACE)
        drawn = trial.params
        assert all(SPACE.varied[name].holds(value) for name, value in drawn.items())
        met = {
            name
            for name, param in SPACE.varied.items()
            if all(drawn.get(parent) in allowed for parent, allowed in param.when.items())
        }
        assert set(drawn) == met
