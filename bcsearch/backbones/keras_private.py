"""The names of Keras that are not public and that this package needs, as read in Keras 3.15.1."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import keras
from keras.src.backend.common import global_state
from keras.src.utils.naming import to_snake_case

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["innermost_layers", "parents_of", "to_snake_case", "without_weights"]


@contextmanager
def without_weights() -> Iterator[None]:
    """Let models that the block builds have no values in their weights, now and later."""
    unmade = "uninitialized_variables"  # where Keras lists variables without values
    before = list(global_state.get_global_attribute(unmade) or ())
    with keras.StatelessScope(initialize_variables=False):
        yield
    # the next scope to end would make them all the same
    global_state.set_global_attribute(unmade, before)


def parents_of(operation: keras.Operation) -> list[str]:
    """Return the names of the operations whose outputs this one takes, as often as it does."""
    names = []
    for node in operation._inbound_nodes:
        names += [parent.operation.name for parent in node.parent_nodes]
    return names


def innermost_layers(model: keras.Model) -> list[keras.Layer]:
    """Return the layers of a model and of the models inside it."""
    return list(model._flatten_layers(include_self=False))
