from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import pytest

from bcsearch.recipe import BY_NAME, PARTS, Params

SAME = [
    ({"head_layers": 0, "units_1": 64}, {"head_layers": 0, "units_1": 512}),
    ({"head_layers": 1, "units_2": 64, "units_3": 8}, {"head_layers": 1}),
    ({"head_layers": 2, "units_3": 8}, {"head_layers": 2}),
    ({"head_layers": 0, "activation": "tanh", "dropout_1": 0.5}, {"head_layers": 0}),
    ({"head_layers": 0, "head_norm": "layer"}, {"head_layers": 0}),
    ({"schedule": "one_cycle", "warmup_epochs": 3}, {"schedule": "one_cycle"}),
    ({"layer_decay": 0.8}, {}),
    ({"optimizer": "adam", "weight_decay": 0.1, "momentum": 0.1}, {"optimizer": "adam"}),
    ({"optimizer": "sgd", "weight_decay": 0.1}, {"optimizer": "sgd"}),
    ({"optimizer": "lion", "momentum": 0.1}, {"optimizer": "lion"}),
    ({"augment": "none", "views": 16, "augment_strength": 0.9}, {"augment": "none"}),
    (
        {"augment": "light", "augment_strength": 0.30000000000000004},
        {"augment": "light", "augment_strength": 0.3},
    ),
    ({"circle_radius": 0.5, "preprocess": "two_point"}, {"preprocess": "two_point"}),
    ({"mix_alpha": 3.0}, {}),
    ({"mix_probability": 0.5}, {}),
    ({"l2": 0, "learning_rate": 1}, {"l2": 0.0, "learning_rate": 1.0}),
    ({"loss": "triplet", "head_layers": 0}, {"head_layers": 0}),
    ({"triplet_weight": 3.0, "focal_gamma": 0.5}, {}),
    ({"class_weight_strength": 0.5, "class_weight_beta": 0.9}, {}),
    ({"class_weights": "balanced", "class_weight_beta": 0.9}, {"class_weights": "balanced"}),
    (
        {"head_layers": 2, "activation": "elu"},
        {"head_layers": 2, "activation_1": "elu", "activation_2": "elu"},
    ),
    (
        {"dropout": 0.5, "dropout_0": 0.0, "head_layers": 1},
        {"dropout_1": 0.5, "head_layers": 1},
    ),
]
DIFFERENT: list[tuple[dict[str, Any], str, Any]] = [
    ({}, "preprocess", "grayscale"),
    ({"preprocess": "two_point+circle"}, "circle_radius", 0.5),
    ({}, "backbone", "efficientnet_lite1"),
    ({}, "image_size", 64),
    ({}, "augment", "light"),
    ({"augment": "light"}, "views", 8),
    ({"augment": "light"}, "augment_strength", 0.6),
    ({}, "unfreeze_fraction", 0.5),
    ({"unfreeze_fraction": 0.5}, "unfreeze_schedule", "gradual"),
    ({"unfreeze_schedule": "last_layers"}, "unfreeze_layers", 3),
    ({"unfreeze_schedule": "last_layers"}, "unfreeze_every", 1),
    ({"unfreeze_fraction": 0.5}, "batch_norm", "trained"),
    ({"unfreeze_fraction": 0.5}, "backbone_rate", 0.5),
    ({"unfreeze_fraction": 0.5}, "layer_decay", 0.8),
    ({}, "pooling", "max"),
    ({}, "head_layers", 2),
    ({"head_layers": 1}, "units_1", 64),
    ({"head_layers": 2}, "units_2", 64),
    ({"head_layers": 3}, "units_3", 8),
    ({"head_layers": 1}, "activation", "tanh"),
    ({"head_layers": 1}, "activation_1", "tanh"),
    ({"head_layers": 2}, "activation_2", "tanh"),
    ({"head_layers": 3}, "activation_3", "tanh"),
    ({"head_layers": 1}, "dropout", 0.5),
    ({"head_layers": 0}, "dropout_0", 0.5),
    ({"head_layers": 1}, "dropout_1", 0.5),
    ({"head_layers": 2}, "dropout_2", 0.5),
    ({"head_layers": 3}, "dropout_3", 0.5),
    ({"head_layers": 1}, "head_norm", "batch"),
    ({}, "l2", 1e-4),
    ({}, "loss", "triplet"),
    ({"loss": "focal"}, "focal_gamma", 1.0),
    ({"loss": "triplet"}, "triplet_weight", 2.0),
    ({"loss": "triplet"}, "triplet_margin", 1.0),
    ({}, "mix", "mixup"),
    ({"mix": "mixup"}, "mix_alpha", 1.0),
    ({"mix": "mixup"}, "mix_probability", 0.5),
    ({}, "optimizer", "rmsprop"),
    ({}, "learning_rate", 1e-2),
    ({"optimizer": "adamw"}, "weight_decay", 0.1),
    ({"optimizer": "lion"}, "weight_decay", 0.1),
    ({"optimizer": "sgd"}, "momentum", 0.1),
    ({"optimizer": "rmsprop"}, "momentum", 0.1),
    ({}, "schedule", "constant"),
    ({}, "warmup_epochs", 3),
    ({}, "class_weights", "balanced"),
    ({"class_weights": "balanced"}, "class_weight_strength", 0.5),
    ({"class_weights": "effective"}, "class_weight_beta", 0.9),
    ({}, "label_smoothing", 0.1),
    ({}, "batch_size", 32),
    ({}, "sampling", "balanced"),
]


@pytest.mark.parametrize(("a", "b"), SAME, ids=lambda values: " ".join(values) or "default")
def test_what_cannot_act_makes_no_difference(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert Params(**a) == Params(**b)
    assert Params(**a).digest() == Params(**b).digest()
    assert hash(Params(**a)) == hash(Params(**b))


@pytest.mark.parametrize(("common", "name", "value"), DIFFERENT)
def test_what_acts_makes_a_difference(common: dict[str, Any], name: str, value: Any) -> None:
    assert Params(**common).digest() != Params(**{**common, name: value}).digest()


def test_every_parameter_of_the_table_is_shown_to_act_somewhere() -> None:
    assert {name for _, name, _ in DIFFERENT} == {part.name for part in PARTS}


@pytest.mark.parametrize("head_layers", [0, 1, 2, 3])
def test_head_has_as_many_widths_and_activations_as_layers(head_layers: int) -> None:
    params = Params(head_layers=head_layers)
    assert params.units == (256, 128, 64)[:head_layers]
    assert params.activations == ("relu",) * head_layers
    assert params.dropouts == (0.0, 0.2, 0.2, 0.2)[: head_layers + 1]


def test_short_form_fills_every_place_that_has_no_value_of_its_own() -> None:
    params = Params(
        head_layers=2, dropout=0.3, dropout_1=0.5, activation="tanh", activation_2="elu"
    )
    assert params.dropouts == (0.3, 0.5, 0.3)
    assert params.activations == ("tanh", "elu")
    assert "dropout" not in params


def test_optimizer_of_another_package_gets_weight_decay_and_momentum() -> None:
    params = Params(optimizer="mine", weight_decay=0.3, momentum=0.5)
    assert (params.weight_decay, params.momentum) == (0.3, 0.5)


def test_short_form_changes_every_place_of_a_copy() -> None:
    changed = Params(head_layers=2).but(dropout=0.4, activation="elu", activation_2="tanh")
    assert changed.dropouts == (0.4, 0.4, 0.4)
    assert changed.activations == ("elu", "tanh")


def test_changed_copy_is_canonical_again() -> None:
    params = Params(head_layers=1, units_2=7, augment="none", views=9, optimizer="sgd")
    assert params.but() == params
    assert params.n_views == 1
    assert params.but(augment="light").n_views == 4
    assert params.but(optimizer="adam").momentum == Params().momentum


def test_unknown_name_is_no_parameter() -> None:
    with pytest.raises(TypeError, match="'unit_1'"):
        Params(unit_1=3)
    with pytest.raises(AttributeError, match="'unit_1'"):
        _ = Params().unit_1


def test_copy_through_another_process_is_equal() -> None:
    params = Params(head_layers=2, dropout=0.3)
    assert pickle.loads(pickle.dumps(params)) == params


def test_digest_is_the_same_on_every_machine() -> None:
    assert Params(head_layers=2, l2=1e-4).digest() == "9becc7fa940bd424"


def test_digest_holds_only_what_differs_from_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Params(units_1=64).digest()
    added = replace(PARTS[0], name="added")
    monkeypatch.setattr("bcsearch.recipe.params.PARTS", (*PARTS, added))
    monkeypatch.setattr("bcsearch.recipe.params.BY_NAME", {**BY_NAME, "added": added})
    assert "added" in Params(units_1=64)
    assert Params(units_1=64).digest() == before
