"""Rewrites a published network as a flat graph with fixed names and layers that are fast on a CPU.

Keras numbers unnamed layers anew in every process, and nests some; cuts and weights files need
names that stay. It builds ConvNeXt's depthwise step as a grouped convolution, which a CPU runs
several times slower than a depthwise layer.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import keras

from bcsearch.backbones.keras_private import to_snake_case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np


def plain(model: keras.Model, name: str) -> keras.Model:
    """Return a flat copy of a functional model under ``name``, with initial weights."""
    names = _fixed_names(model)

    def copy(operation: keras.Operation) -> keras.Operation:
        if isinstance(operation, keras.Sequential):
            return operation
        return _copied(operation, names[operation.name])

    def call(operation: keras.Operation, *inputs: Any, **options: Any) -> Any:
        if not isinstance(operation, keras.Sequential):
            return operation(*inputs, **options)
        (hidden,) = inputs
        for inner in operation.layers:
            hidden = _copied(inner, inner.name)(hidden)
        return hidden

    copied = keras.models.clone_model(model, clone_function=copy, call_function=call)
    return keras.Model(copied.inputs[0], copied.outputs[0], name=name)


def load_stock(stock: Callable[[int], keras.Model], model: keras.Model, path: Path) -> None:
    """Put a file that fits the published graph into the plain one.

    Raises:
        OSError, ValueError: the file is damaged or of another architecture.
    """
    source = stock(model.input_shape[1])
    source.load_weights(path)
    transfer(source, model)


def transfer(source: keras.Model, target: keras.Model) -> None:
    """Copy the weights of a published network into its plain form.

    Raises:
        ValueError: they are of different architectures.
    """
    for theirs, ours in zip(_weighted(source), _weighted(target), strict=True):
        ours.set_weights(oriented(theirs.get_weights(), ours))


def oriented(values: list[np.ndarray], layer: keras.Layer) -> list[np.ndarray]:
    """Return weights for a layer: a grouped convolution's kernel is turned for a depthwise one."""
    if not isinstance(layer, keras.layers.DepthwiseConv2D):
        return values
    kernel, *others = values
    if kernel.shape != tuple(layer.kernel.shape):
        kernel = kernel.transpose(0, 1, 3, 2)
    return [kernel, *others]


def _weighted(model: keras.Model) -> Iterator[keras.Layer]:
    """Yield the innermost layers that have weights, in the order of the graph."""
    for operation in model.operations:
        layers = [operation]
        if isinstance(operation, keras.Sequential):
            layers = operation.layers
        for layer in layers:
            if isinstance(layer, keras.Layer) and layer.weights:
                yield layer


def _copied(operation: keras.Operation, name: str) -> keras.Operation:
    """Return a new layer of the same kind, or the depthwise one that does what it does."""
    config = operation.get_config() | {"name": name}
    grouped = type(operation) is keras.layers.Conv2D and operation.groups > 1
    if not grouped or not operation.groups == operation.filters == operation.input.shape[-1]:
        return operation.__class__.from_config(config)
    kept = ("strides", "padding", "dilation_rate", "use_bias", "name")
    return keras.layers.DepthwiseConv2D(operation.kernel_size, **{key: config[key] for key in kept})


def _fixed_names(model: keras.Model) -> dict[str, str]:
    """Return a name for every operation: what Keras numbers gets its number in this graph."""
    seen: Counter[str] = Counter()
    names = {}
    for operation in model.operations:
        names[operation.name] = operation.name
        kind = to_snake_case(type(operation).__name__)
        if re.fullmatch(rf"{kind}(_\d+)?", operation.name):
            names[operation.name] = f"{kind}_{seen[kind]}"
            seen[kind] += 1
    return names
