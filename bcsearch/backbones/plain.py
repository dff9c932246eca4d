"""Rewrites a published network as a flat graph with fixed names and layers that are fast on a CPU. Imports keras.

Keras numbers unnamed layers anew in every process, and nests some; cuts and weights files need names that stay. It
builds ConvNeXt's depthwise step as a grouped convolution, which a CPU runs several times slower than a depthwise layer.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np


def plain(model: keras.Model, name: str) -> keras.Model:
    """Return a flat copy of a functional model under ``name``, with initial weights; see ``transfer`` for those."""
    names = _fixed_names(model)

    def copy(operation: keras.Operation) -> keras.Operation:
        return (
            operation
            if isinstance(operation, keras.Sequential)
            else _copied(operation, names[operation.name])
        )

    def call(operation: keras.Operation, *inputs: Any, **options: Any) -> Any:
        if not isinstance(operation, keras.Sequential):
            return operation(*inputs, **options)
        (hidden,) = inputs
        for inner in operation.layers:
            hidden = _copied(inner, inner.name)(hidden)
        return hidden

    copied = keras.models.clone_model(model, clone_function=copy, call_function=call)
    return keras.Model(copied.inputs[0], copied.outputs[0], name=name)


def transfer(source: keras.Model, target: keras.Model) -> None:
    """Copy the weights of a published network into its plain form.

    Raises:
        ValueError: they are of different architectures.
    """
    for theirs, ours in zip(_weighted(source), _weighted(target), strict=True):
        ours.set_weights(fitted(theirs.get_weights(), ours))


def fitted(values: list[np.ndarray], layer: keras.Layer) -> list[np.ndarray]:
    """Return weights for a layer, turned round where they are a grouped convolution's and it is a depthwise one."""
    if isinstance(layer, keras.layers.DepthwiseConv2D) and values[0].shape != tuple(
        layer.kernel.shape
    ):
        return [values[0].transpose(0, 1, 3, 2), *values[1:]]
    return values


def _weighted(model: keras.Model) -> Iterator[keras.Layer]:
    """Yield the innermost layers that have weights, in the order of the graph."""
    for operation in model.operations:
        for layer in operation.layers if isinstance(operation, keras.Sequential) else [operation]:
            if isinstance(layer, keras.Layer) and layer.weights:
                yield layer


def _copied(operation: keras.Operation, name: str) -> keras.Operation:
    if _is_depthwise(operation):
        return keras.layers.DepthwiseConv2D(
            operation.kernel_size,
            strides=operation.strides,
            padding=operation.padding,
            dilation_rate=operation.dilation_rate,
            use_bias=operation.use_bias,
            name=name,
        )
    return operation.__class__.from_config({**operation.get_config(), "name": name})


def _is_depthwise(operation: keras.Operation) -> bool:
    return (
        type(operation) is keras.layers.Conv2D
        and operation.groups > 1
        and operation.groups == operation.filters == operation.input.shape[-1]
    )


def _fixed_names(model: keras.Model) -> dict[str, str]:
    """Return a name for every operation: its own, or for what Keras numbers itself, its number in this graph."""
    seen: Counter[str] = Counter()
    names = {}
    for operation in model.operations:
        kind = _snake(operation)
        if re.fullmatch(rf"{kind}(_\d+)?", operation.name):
            names[operation.name] = f"{kind}_{seen[kind]}"
            seen[kind] += 1
        else:
            names[operation.name] = operation.name
    return names


def _snake(operation: keras.Operation) -> str:
    """Return what Keras calls an operation of this class that was given no name."""
    name = re.sub(r"\W+", "", type(operation).__name__)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
