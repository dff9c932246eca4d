"""Where a backbone can be split: found on its graph, thinned to good places. Imports keras and the table.

A cut is a tensor through which everything passes. Of places with nearly the same layers above them the smallest tensor
is taken, as it is what is kept for every image, so a cut is mostly the end of a block.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING

import keras

from bcsearch.backbones.table import get_backbone, outline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

INPUT, POOLED = "input", "pooled"  # the first and the last cut of every backbone
SAME = 0.005  # cuts nearer than this share of the parameters are one: the end, the smaller, then the later
NEAR = 0.1  # within this share of the parameters a cut of half the size is taken instead


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One place.

    Attributes:
        name: of the layer that gives the tensor; ``input`` for the images, ``pooled`` for the features.
        fraction: share of the backbone's parameters above it: 1 at the input, 0 at the pooled end.
        n_layers: layers with weights above it.
        shape: of one image's activation.
    """

    name: str
    fraction: float
    n_layers: int
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Numbers in one image's activation."""
        return prod(self.shape)


@lru_cache(maxsize=64)
def cuts_of(backbone: str, image_size: int) -> tuple[Cut, ...]:
    """Return a backbone's cuts from the input to the pooled end: the same places at every image size.

    Raises:
        ConfigError: there is no such backbone.
    """
    natural = find_cuts(outline(backbone, get_backbone(backbone).natural_size))
    shapes = {cut.name: cut.shape for cut in _candidates(outline(backbone, image_size))}
    return tuple(replace(cut, shape=shapes[cut.name]) for cut in natural)


def find_cuts(model: keras.Model) -> tuple[Cut, ...]:
    """Return the good cuts of a flat functional model, from the input to the pooled end."""
    first, *inner, last = _candidates(model)
    kept: list[Cut] = []
    for cut in reversed([cut for cut in inner if SAME < cut.fraction < 1.0 - SAME]):
        if not any(
            abs(cut.fraction - other.fraction) <= SAME and other.size <= cut.size for other in kept
        ):
            kept.insert(0, cut)
    good = [cut for cut in kept if not any(_is_better(other, cut) for other in kept)]
    return (first, *good, last)


def segment(model: keras.Model, start: str, end: str) -> keras.Model:
    """Return the part of a backbone from one cut to another; it shares the backbone's layers."""
    return keras.Model(
        _tensor(model, start), _tensor(model, end), name=f"{model.name}_{start}_to_{end}"
    )


def _is_better(other: Cut, cut: Cut) -> bool:
    return abs(cut.fraction - other.fraction) <= NEAR and other.size * 2 <= cut.size


def _tensor(model: keras.Model, cut: str) -> keras.KerasTensor:
    if cut in (INPUT, POOLED):
        return model.input if cut == INPUT else model.output
    return next(operation for operation in model.operations if operation.name == cut).output


def _candidates(model: keras.Model) -> list[Cut]:
    """Return every place where one tensor carries everything, in the order of the graph."""
    operations = list(model.operations)
    n_parameters = max(1, model.count_params())
    above, n_layers, found = n_parameters, sum(1 for layer in model.layers if layer.weights), []
    for operation, alone in zip(operations, _alone(operations), strict=True):
        own = operation.count_params() if isinstance(operation, keras.layers.Layer) else 0
        above, n_layers = above - own, n_layers - bool(own)
        if alone:
            shape = tuple(operation.output.shape[1:])
            found.append(
                Cut(
                    name=operation.name,
                    fraction=above / n_parameters,
                    n_layers=n_layers,
                    shape=shape,
                )
            )
    found[0] = replace(found[0], name=INPUT)
    found[-1] = replace(found[-1], name=POOLED)
    return found


def _alone(operations: Sequence[keras.Operation]) -> Iterator[bool]:
    """Tell for each operation, in topological order, whether only its output is still waited for behind it."""
    waiting: dict[str, int] = {}
    consumers = {operation.name: 0 for operation in operations}
    for operation in operations:
        for parent in _parents(operation):
            consumers[parent] += 1
    for operation in operations:
        for parent in _parents(operation):
            waiting[parent] -= 1
            if not waiting[parent]:
                del waiting[parent]
        yield not waiting
        waiting[operation.name] = consumers[operation.name]


def _parents(operation: keras.Operation) -> list[str]:
    """Return the names of the operations whose outputs this one takes, each as often as it takes it."""
    return [
        parent.operation.name for node in operation._inbound_nodes for parent in node.parent_nodes
    ]
