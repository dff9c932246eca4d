from __future__ import annotations

from typing import Any

import pytest

from bcsearch.records import Params


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ({"head_layers": 0, "units_1": 64}, {"head_layers": 0, "units_1": 512}),
        ({"head_layers": 1, "units_2": 64, "units_3": 8}, {"head_layers": 1}),
        ({"head_layers": 2, "units_3": 8}, {"head_layers": 2}),
        ({"head_layers": 0, "activation": "tanh", "dropout": 0.5}, {"head_layers": 0}),
        ({"optimizer": "adam", "weight_decay": 0.1, "momentum": 0.1}, {"optimizer": "adam"}),
        ({"optimizer": "sgd", "weight_decay": 0.1}, {"optimizer": "sgd"}),
        ({"optimizer": "lion", "momentum": 0.1}, {"optimizer": "lion"}),
        ({"augment": "none", "views": 16}, {"augment": "none"}),
    ],
    ids=lambda values: " ".join(values),
)
def test_what_cannot_act_makes_no_difference(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert Params(**a).canonical() == Params(**b).canonical()
    assert Params(**a).digest() == Params(**b).digest()


@pytest.mark.parametrize(
    ("common", "name", "value"),
    [
        ({}, "backbone", "efficientnet_lite1"),
        ({}, "image_size", 64),
        ({}, "augment", "light"),
        ({"augment": "light"}, "views", 8),
        ({}, "head_layers", 2),
        ({"head_layers": 1}, "units_1", 64),
        ({"head_layers": 2}, "units_2", 64),
        ({"head_layers": 3}, "units_3", 8),
        ({"head_layers": 1}, "activation", "tanh"),
        ({"head_layers": 1}, "dropout", 0.5),
        ({}, "l2", 1e-4),
        ({}, "optimizer", "rmsprop"),
        ({}, "learning_rate", 1e-2),
        ({"optimizer": "adamw"}, "weight_decay", 0.1),
        ({"optimizer": "lion"}, "weight_decay", 0.1),
        ({"optimizer": "sgd"}, "momentum", 0.1),
        ({"optimizer": "rmsprop"}, "momentum", 0.1),
        ({}, "schedule", "constant"),
        ({}, "class_weights", "balanced"),
        ({}, "label_smoothing", 0.1),
        ({}, "batch_size", 32),
    ],
)
def test_what_acts_makes_a_difference(common: dict[str, Any], name: str, value: Any) -> None:
    assert Params(**common).digest() != Params(**common, **{name: value}).digest()


@pytest.mark.parametrize("head_layers", [0, 1, 2, 3])
def test_head_has_as_many_widths_as_layers(head_layers: int) -> None:
    assert Params(head_layers=head_layers).units == (256, 128, 64)[:head_layers]


def test_canonical_is_canonical_already() -> None:
    params = Params(head_layers=1, units_2=7, augment="none", views=9, optimizer="sgd").canonical()
    assert params.canonical() == params
    assert params.views == 1


def test_digest_is_the_same_on_every_machine() -> None:
    assert Params().digest() == "0d5506ffbf2aea95"
