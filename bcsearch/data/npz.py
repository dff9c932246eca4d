"""Reads the arrays of an .npz file, never unpickling. Imports numpy, this floor and the errors."""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.npyio import NpzFile

from bcsearch.data.arrays import to_images, to_labels
from bcsearch.data.image_set import ImageSet
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

KEYS = ("data", "labels", "class_names", "groups")
DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    MemoryError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_npz(path: Path) -> ImageSet:
    """Read ``data`` and, where the file has them, ``labels``, ``class_names`` and ``groups``.

    Raises:
        DataError: not an .npz file, damaged, pickled, without ``data``, or an array that cannot be used.
    """
    arrays, keys = _read_arrays(path)
    images = to_images(arrays.pop("data"), f"{path}: data")
    labels = (
        to_labels(arrays["labels"], len(images), f"{path}: labels") if "labels" in arrays else None
    )
    names = (
        _to_class_names(arrays["class_names"], f"{path}: class_names")
        if "class_names" in arrays
        else None
    )
    if labels is not None and names is not None and labels.max() >= len(names):
        raise DataError(
            f"{path}: labels reach {labels.max()} but class_names has only {len(names)}; name every class"
        )
    return ImageSet(
        images=images,
        labels=labels,
        class_names=names,
        groups=_to_groups(arrays["groups"], len(images), f"{path}: groups")
        if "groups" in arrays
        else None,
        source=str(path),
        holds=f"the arrays {', '.join(keys)}",
    )


def _read_arrays(path: Path) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the arrays that are known here, unchecked, and the keys of all arrays in the file."""
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise DataError(
                    f"{path}: not an .npz file, or one that was cut short; write it again with numpy.savez"
                )
            archive = NpzFile(file, allow_pickle=False)
            if "data" not in archive:
                raise DataError(
                    f"{path}: no array data among {', '.join(archive.files) or 'no arrays at all'}; "
                    f"needed: data and labels, optionally class_names and groups"
                )
            return {
                key: _read_array(archive, key, path) for key in KEYS if key in archive
            }, archive.files
    except DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path}: cannot be read ({reason}); write it again with numpy.savez"
        ) from error


def _read_array(archive: NpzFile, key: str, path: Path) -> np.ndarray:
    try:
        array: object = archive[key]
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        raise DataError(
            f"{path}: {key} is a pickled object array, which is never unpickled; save plain numbers of one shape"
        ) from error
    if not isinstance(
        array, np.ndarray
    ):  # numpy hands back the bytes of a member that is not an array
        raise DataError(f"{path}: {key} is not a numpy array; write it again with numpy.savez")
    return array


def _to_class_names(array: np.ndarray, where: str) -> tuple[str, ...]:
    if array.ndim != 1 or array.dtype.kind not in "US":
        raise DataError(
            f"{where} has shape {array.shape} and type {array.dtype}; allowed: text of shape (n_classes,)"
        )
    names = tuple(
        name.decode("utf-8", "replace") if isinstance(name, bytes) else name
        for name in array.tolist()
    )
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise DataError(f"{where} holds {twice[0]!r} more than once; give every class its own name")
    return names


def _to_groups(array: np.ndarray, n_images: int, where: str) -> np.ndarray:
    if array.size != n_images or array.shape[:1] != (n_images,):
        raise DataError(
            f"{where} has shape {array.shape} for {n_images} images; allowed: (n,) or (n, 1)"
        )
    if array.dtype.kind not in "buiUS":
        raise DataError(
            f"{where} has type {array.dtype}; allowed: whole numbers or text, equal within a group"
        )
    return array.ravel()
