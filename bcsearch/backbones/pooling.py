"""What else than their average the last activations of a backbone may be pooled to."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import keras

from bcsearch.backbones.keras_private import parents_of
from bcsearch.backbones.table import get_backbone, outline

if TYPE_CHECKING:
    from collections.abc import Sequence

# how many times the features of the average a pooling has
POOLINGS = {"average": 1, "max": 1, "both": 2}


@lru_cache(maxsize=64)
def may_pool(backbone: str) -> bool:
    """Whether a backbone ends with an average over places, behind which nothing branches.

    Raises:
        ConfigError: there is no such backbone.
    """
    return bool(_end(outline(backbone, get_backbone(backbone).natural_size)))


def pooled(model: keras.Model, pooling: str) -> keras.KerasTensor:
    """Return the features of a backbone that may pool, pooled in one of the ways.

    What follows the average there, such as a norm, follows the maximum too, with the same weights.
    """
    if pooling == "average":
        return model.output
    average, *behind = _end(model)
    hidden = keras.layers.GlobalMaxPooling2D(name=f"{average.name}_max")(average.input)
    for operation in behind:
        config = operation.get_config() | {"name": f"{operation.name}_max"}
        copy = operation.__class__.from_config(config)
        hidden = copy(hidden)
        if isinstance(operation, keras.Layer):
            copy.set_weights(operation.get_weights())
    if pooling == "max":
        return hidden
    return keras.layers.Concatenate(name=f"{average.name}_both")([model.output, hidden])


def _end(model: keras.Model) -> Sequence[keras.Operation]:
    """Return the last average over places and all that follows; nothing where that branches."""
    operations = list(model.operations)
    averages = [
        place
        for place, operation in enumerate(operations)
        if isinstance(operation, keras.layers.GlobalAveragePooling2D)
    ]
    if not averages:
        return []
    end = operations[averages[-1] :]
    if all(set(parents_of(after)) == {before.name} for before, after in pairwise(end)):
        return end
    return []
