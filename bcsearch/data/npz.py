"""Reads the arrays of an .npz file, never unpickling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bcsearch.data.archive import opened, read_array
from bcsearch.data.arrays import to_images, to_labels
from bcsearch.data.image_set import ImageSet
from bcsearch.errors import DataError, listed

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.lib.npyio import NpzFile


def read_npz(path: Path) -> ImageSet:
    """Read ``data`` and, where the file has them, ``labels``, ``class_names`` and ``groups``.

    Raises:
        DataError: the file is damaged, pickled or without ``data``, or an array cannot be used.
    """
    try:
        with opened(path) as archive:
            return _read(archive, path)
    except MemoryError as error:
        raise DataError(f"{path}: too large for the memory that is free") from error


def _read(archive: NpzFile, path: Path) -> ImageSet:
    keys = listed(archive.files) or "no arrays at all"
    if "data" not in archive:
        raise DataError(
            f"{path}: no array data among {keys}; "
            "needed: data and labels, optionally class_names and groups"
        )
    images = to_images(read_array(archive, "data", path), f"{path}: data")
    labels = names = groups = None
    if "labels" in archive:
        labels = to_labels(read_array(archive, "labels", path), len(images), f"{path}: labels")
    if "class_names" in archive:
        names = _to_class_names(read_array(archive, "class_names", path), f"{path}: class_names")
    if "groups" in archive:
        groups = _to_groups(read_array(archive, "groups", path), len(images), f"{path}: groups")
    if labels is not None and names is not None and labels.max() >= len(names):
        raise DataError(
            f"{path}: labels reach {labels.max()} but class_names has only {len(names)}; "
            "name every class"
        )
    return ImageSet(
        images=images,
        labels=labels,
        class_names=names,
        groups=groups,
        source=str(path),
        holds=f"the arrays {keys}",
    )


def _to_class_names(array: np.ndarray, where: str) -> tuple[str, ...]:
    if array.ndim != 1 or array.dtype.kind not in "US":
        raise DataError(
            f"{where} has shape {array.shape} and type {array.dtype}; "
            "allowed: text of shape (n_classes,)"
        )
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    names, counts = np.unique(array, return_counts=True)
    if counts.max(initial=0) > 1:
        twice = str(names[counts.argmax()])
        raise DataError(f"{where} holds {twice!r} more than once; give every class its own name")
    return tuple(array.tolist())


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
