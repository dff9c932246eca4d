"""Reads the published EfficientNet-Lite weights, torch's legacy pickle, without torch.

Such a file is five pickles (magic number, protocol, byte sizes, named tensors, storage keys), then
the numbers of each storage in the order of the keys. The unpickler admits the four names that these
files use, nothing that could run code.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from bcsearch.errors import WeightsError

if TYPE_CHECKING:
    import keras

MAGIC = 0x1950A86A20F9469CFC6C
DAMAGE = (
    pickle.UnpicklingError, EOFError, ValueError, TypeError, LookupError, AttributeError,
    OverflowError, MemoryError,
)  # fmt: skip


class _Tensor(NamedTuple):
    """The arguments of torch's ``_rebuild_tensor_v2``; offset and strides count numbers."""

    storage: tuple[str, np.dtype[Any]]  # its key and the type of its numbers
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    requires_grad: bool
    hooks: object

    def read(self, content: bytes) -> np.ndarray:
        """Copy it out of its storage. Raises ValueError where it reaches outside."""
        dtype = self.storage[1]
        strides = [dtype.itemsize * stride for stride in self.strides]
        offset = dtype.itemsize * self.offset
        return np.ndarray(self.shape, dtype, content, offset, strides).copy("C")


ADMITTED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "LongStorage"): np.dtype("<i8"),
}


def find_lite_weights(package: str) -> Path | None:
    """Return the weights file in an installed package, without importing it; None without one."""
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
        wanted = package.replace("_", "-")
        raise WeightsError(f"no imagenet weights found; install the package {wanted}")
    return path


def load_lite_weights(model: keras.Model, path: Path) -> None:
    """Set every weight of an EfficientNet-Lite built by us from a published file.

    Tensors stand in the file in the order of the layers; the classifier comes last and is left out.

    Raises:
        WeightsError: the file is damaged, or is of another variant.
    """
    tensors = read_tensors(path)
    values = [tensors[name] for name in tensors if not name.endswith("num_batches_tracked")]
    for layer in model.layers:
        own = [values.pop(0) for _ in layer.weights[: len(values)]]
        if layer.name.endswith("_conv"):
            axes = (2, 3, 0, 1) if "depthwise" in layer.name else (2, 3, 1, 0)
            own = [value.transpose(axes) for value in own if value.ndim == 4]
        if [value.shape for value in own] != [tuple(weight.shape) for weight in layer.weights]:
            raise WeightsError(
                f"weights {path} do not fit {model.name}: layer {layer.name} differs; "
                "give those of its variant"
            )
        layer.set_weights(own)


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


def _read(file: BinaryIO, digest: str) -> dict[str, np.ndarray]:
    """Read all five pickles and the storages behind them."""
    if not sha256(file.read()).hexdigest().startswith(digest):
        raise ValueError("its content does not match the digest in its name")
    file.seek(0)
    magic, _, _, tensors, keys = (_Unpickler(file).load() for _ in range(5))
    if magic != MAGIC:
        raise ValueError("it does not begin with torch's magic number")
    kinds = dict(tensor.storage for tensor in tensors.values())
    storages = {}
    for key in keys:
        size = int.from_bytes(file.read(8), "little") * kinds[key].itemsize
        storages[key] = file.read(size)
        if len(storages[key]) != size:
            raise ValueError("it ends inside a storage")
    return {name: tensor.read(storages[tensor.storage[0]]) for name, tensor in tensors.items()}


class _Unpickler(pickle.Unpickler):
    """Admits the names of a plain dictionary of tensors; a storage becomes its key and kind."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not admitted")
        return ADMITTED[module, name]

    def persistent_load(self, pid: Any) -> tuple[str, np.dtype[Any]]:
        _, dtype, key, _, _, _ = pid
        return key, dtype
