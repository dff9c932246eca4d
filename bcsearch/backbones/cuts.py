"""Finds the good places to split a backbone, on its graph.

A cut is a tensor through which everything passes. Of places with nearly the same layers above them
the smallest tensor is taken, as it is what is kept for every image, so a cut is mostly the end of a
block.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING

import keras

from bcsearch.backbones.keras_private import parents_of
from bcsearch.backbones.pooling import POOLINGS, pooled
from bcsearch.backbones.table import get_backbone, outline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

INPUT, POOLED = "input", "pooled"  # the first and the last cut of every backbone
POOLED_BY = {"average": POOLED, "max": "pooled_max", "both": "pooled_both"}  # the last by pooling
SAME = 0.005  # cuts nearer than this share of the parameters are one: the smaller, or the later
NEAR = 0.1  # within this share of the parameters a cut of half the size is taken instead


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One place.

    Attributes:
        name: of the layer that gives the tensor; ``input`` and one of ``POOLED_BY`` at the ends.
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

    @property
    def is_pooled(self) -> bool:
        """Whether it is the end of the backbone, above which only heads are trained."""
        return self.name in POOLED_BY.values()


@lru_cache(maxsize=64)
def cuts_of(backbone: str, image_size: int, pooling: str = "average") -> tuple[Cut, ...]:
    """Return a backbone's cuts from the input to the pooled end, the same at every image size.

    Raises:
        ConfigError: there is no such backbone.
    """
    natural = find_cuts(outline(backbone, get_backbone(backbone).natural_size))
    shapes = {cut.name: cut.shape for cut in _candidates(outline(backbone, image_size))}
    *before, last = (replace(cut, shape=shapes[cut.name]) for cut in natural)
    shape = (POOLINGS[pooling] * last.size,)
    return (*before, replace(last, name=POOLED_BY[pooling], shape=shape))


def names_up_to(backbone: str, image_size: int, end: str) -> list[str]:
    """Return the names of a backbone's cuts from the input to one of them."""
    *names, last = (cut.name for cut in cuts_of(backbone, image_size))
    if end in POOLED_BY.values():
        return [*names, end]
    return [*names, last][: names.index(end) + 1]


def find_cuts(model: keras.Model) -> tuple[Cut, ...]:
    """Return the good cuts of a flat functional model, from the input to the pooled end."""
    first, *inner, last = _candidates(model)
    distinct: list[Cut] = []
    for cut in reversed(inner):
        at_end = not SAME < cut.fraction < 1.0 - SAME
        if not at_end and not any(_replaces(other, cut, SAME, 1) for other in distinct):
            distinct.insert(0, cut)
    good = [cut for cut in distinct if not any(_replaces(o, cut, NEAR, 2) for o in distinct)]
    return (first, *good, last)


def _replaces(other: Cut, cut: Cut, distance: float, times: int) -> bool:
    """Return whether another cut is within a distance and at least that many times smaller."""
    return abs(cut.fraction - other.fraction) <= distance and other.size * times <= cut.size


def segment(model: keras.Model, start: str, end: str) -> keras.Model:
    """Return the part of a backbone from one cut to another; it shares the backbone's layers."""
    if (start, end) == (INPUT, POOLED):
        return model
    name = f"{model.name}_{start}_to_{end}"
    return keras.Model(_tensor(model, start), _tensor(model, end), name=name)


def _tensor(model: keras.Model, cut: str) -> keras.KerasTensor:
    if cut == INPUT:
        return model.input
    for pooling, name in POOLED_BY.items():
        if cut == name:
            return pooled(model, pooling)
    return next(operation for operation in model.operations if operation.name == cut).output


def _candidates(model: keras.Model) -> list[Cut]:
    """Return every place where one tensor carries everything, in the order of the graph."""
    operations = list(model.operations)
    n_parameters = max(1, model.count_params())
    above = n_parameters
    n_layers = sum(1 for layer in model.layers if layer.weights)
    found = []
    for operation, alone in zip(operations, _alone(operations), strict=True):
        if isinstance(operation, keras.layers.Layer) and operation.weights:
            above -= operation.count_params()
            n_layers -= 1
        if alone:
            shape = tuple(operation.output.shape[1:])
            fraction = above / n_parameters
            found.append(
                Cut(name=operation.name, fraction=fraction, n_layers=n_layers, shape=shape)
            )
    found[0] = replace(found[0], name=INPUT)
    found[-1] = replace(found[-1], name=POOLED)
    return found


def _alone(operations: Sequence[keras.Operation]) -> Iterator[bool]:
    """Yield for each operation whether all that follows needs only its output."""
    waiting: Counter[str] = Counter()
    consumers = Counter(parent for operation in operations for parent in parents_of(operation))
    for operation in operations:
        waiting.subtract(parents_of(operation))
        yield not any(waiting.values())
        waiting[operation.name] = consumers[operation.name]
