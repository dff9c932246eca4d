"""Fails when a name of Keras that is not public moves or changes its meaning."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


def test_models_built_without_weights_stay_without_them() -> None:
    import keras

    from bcsearch.backbones.keras_private import without_weights

    with without_weights():
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    with keras.StatelessScope():
        pass  # Keras makes all pending weights as it ends
    assert model.count_params() == 9
    assert all(variable._value is None for variable in model.variables)


def test_parents_are_named_as_often_as_they_are_taken() -> None:
    import keras

    from bcsearch.backbones.keras_private import parents_of

    image = keras.Input((2,), name="image")
    twice = keras.layers.Add(name="twice")
    model = keras.Model(image, twice([image, image]))
    assert parents_of(model.get_layer("twice")) == ["image", "image"]
    assert parents_of(model.get_layer("image")) == []


def test_innermost_layers_are_those_of_models_inside_too() -> None:
    import keras

    from bcsearch.backbones.keras_private import innermost_layers

    inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="deep")])
    outer = keras.Sequential([keras.Input((2,)), inner, keras.layers.Dense(4, name="last")])
    assert {"deep", "last"} <= {layer.name for layer in innermost_layers(outer)}


def test_class_names_become_the_names_that_keras_gives() -> None:
    import keras

    from bcsearch.backbones.keras_private import to_snake_case

    for layer in (keras.layers.Conv2D(1, 1), keras.layers.ReLU(), keras.layers.DepthwiseConv2D(1)):
        assert layer.name.startswith(to_snake_case(type(layer).__name__))
