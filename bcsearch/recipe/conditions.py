"""When parameters act: conditions on the other values of a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.recipe.part import When

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.recipe.part import Value


def is_one_of(name: str, *wanted: Value) -> When:
    """Act where another parameter has one of some values."""
    listed = " or ".join(map(str, wanted))
    return When(f"where {name} is {listed}", lambda values: values[name] in wanted)


def is_not(name: str, *unwanted: Value) -> When:
    """Act where another parameter has any value but some."""
    listed = " or ".join(map(str, unwanted))
    return When(f"where {name} is not {listed}", lambda values: values[name] not in unwanted)


def joins(name: str, wanted: str) -> When:
    """Act where one of the names that another parameter joins by ``+`` is wanted."""
    return When(f"where {name} has {wanted}", lambda values: wanted in str(values[name]).split("+"))


def has_layers(least: int) -> When:
    """Act where the head has so many hidden layers."""
    text = f"where head_layers is {least} or more"
    return When(text, lambda values: int(values["head_layers"]) >= least)


def unfreezes(values: Mapping[str, Value]) -> bool:
    """Whether any layer of the backbone is trained."""
    return float(values["unfreeze_fraction"]) > 0 or values["unfreeze_schedule"] == "last_layers"


def unfreezes_by(*schedules: str) -> When:
    """Act where layers are unfrozen, by one of some schedules."""
    listed = " or ".join(schedules)
    return When(
        f"where layers are unfrozen by {listed}",
        lambda values: unfreezes(values) and values["unfreeze_schedule"] in schedules,
    )


def _has_embedding(values: Mapping[str, Value]) -> bool:
    """Whether training moves what the output layer is given, which linear heads do not."""
    return int(values["head_layers"]) > 0 or unfreezes(values)


def all_but_on_embeddings(name: str, *values_on_embeddings: Value) -> When:
    """Act always; with some values only where training moves the embedding."""
    listed = " or ".join(map(str, values_on_embeddings))
    return When(
        f"always; {listed} where there is a hidden layer or layers are unfrozen",
        lambda values: values[name] not in values_on_embeddings or _has_embedding(values),
    )


UNFREEZES = When("where layers are unfrozen", unfreezes)
