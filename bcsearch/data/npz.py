"""Reads the arrays of an .npz file, or of .npy files side by side, never unpickling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.config.sweep import Reading
from bcsearch.data.archive import opened, read_array, read_file
from bcsearch.data.arrays import arranged, rule_of, to_images, to_labels
from bcsearch.data.image_set import ImageSet
from bcsearch.data.keys import CHOICE, CLASS_NAMES, GROUPS, KeyPair, first_of, key_pairs
from bcsearch.data.naming import in_order, normalised, numbered, some_of
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.lib.npyio import NpzFile
    from numpy.typing import NDArray

PLAIN = Reading()


def read_npz(path: Path, reading: Reading = PLAIN) -> ImageSet:
    """Read images and, where the file has them, labels, ``class_names`` and ``groups``.

    Raises:
        DataError: the file is damaged, pickled or without images, or an array cannot be used.
    """
    with opened(path) as archive:
        return _read(archive, path, reading)


def read_npy(path: Path, reading: Reading) -> ImageSet:
    """Read .npy files that lie side by side, given one of them, or their folder.

    Raises:
        DataError: a file is damaged or pickled, or no images are among them.
    """
    folder = path if path.is_dir() else path.parent
    files = {file.stem: file for file in sorted(folder.glob("*.npy")) if file.is_file()}
    keys = list(files)
    if not path.is_dir():
        reading = reading.model_copy(
            update={
                "images_key": path.stem,
                "labels_key": reading.labels_key and reading.labels_key.removesuffix(".npy"),
            }
        )
        files[path.stem] = path
    return _read_arrays(keys, lambda key: read_file(files[key]), path, reading)


def _read(archive: NpzFile, path: Path, reading: Reading) -> ImageSet:
    members = archive.zip.namelist() if archive.zip else []
    if members and not any(name.endswith(".npy") for name in members):
        raise DataError(
            f"{path}: a zip of {some_of(archive.files, 3)}, no arrays; unpack it and give the "
            "folder with a sub-folder for every class"
        )
    return _read_arrays(archive.files, lambda key: read_array(archive, key, path), path, reading)


def _read_arrays(
    keys: Sequence[str], get: Callable[[str], np.ndarray], path: Path, reading: Reading
) -> ImageSet:
    pairs = key_pairs(keys, reading, str(path))
    read = [_read_pair(pair, get, path, reading) for pair in pairs]
    images = [each.images for each in read]
    values = [each.labels for each in read if each.labels is not None]
    taken = [each.said for each in read]
    parts = [
        np.full(len(array), pair.part or "train") for pair, array in zip(pairs, images, strict=True)
    ]
    split = any(pair.part for pair in pairs)
    _check_alike(pairs, images, values, path)
    joined = np.concatenate(images) if len(images) > 1 else images[0]
    names = on_disk = groups = None
    known = [key for pair in pairs for key in (pair.images, pair.labels)]
    named, grouped = first_of(CLASS_NAMES, keys), first_of(GROUPS, keys)
    if named is not None:
        on_disk = _to_class_names(get(named), f"{path}: {named}")
        names = tuple(map(normalised, on_disk))
    if grouped is not None and not split:
        groups = _to_groups(get(grouped), len(joined), f"{path}: {grouped}")
        known.append(grouped)
        taken.append(f"groups in {grouped}")
    unread = [key for key in keys if key not in (*known, named)]
    left = (f"not read: {some_of(unread, 9)}",) if unread else ()
    labelled = _labelled(values, names, str(path))
    return ImageSet(
        images=joined,
        labels=labelled.labels,
        class_names=labelled.class_names,
        names_on_disk=on_disk,
        groups=groups,
        parts=np.concatenate(parts) if split else None,
        source=str(path),
        holds=f"the arrays {some_of(keys, 9)}",
        notes=("read as arrays: " + "; ".join(taken), *left, *labelled.notes),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Pair:
    """Images (n, height, width, 3) with their labels, as they came; ``said`` tells of what."""

    images: NDArray[np.uint8]
    labels: np.ndarray | None
    said: str


def _read_pair(
    pair: KeyPair, get: Callable[[str], np.ndarray], path: Path, reading: Reading
) -> _Pair:
    given, labels = get(pair.images), None
    said, n_labels = f"images in {pair.images}", None
    if pair.labels is not None:
        labels = get(pair.labels)
        said += f", their labels in {pair.labels}"
        n_labels = len(labels) if labels.ndim else None
        if labels.ndim == 2 and labels.shape[1] > 1:
            said += " as one column for each class"
    array = arranged(given, n_labels)
    if array.ndim == given.ndim and array.shape != given.shape:
        said += ", channels first"
    images = to_images(array, f"{path}: {pair.images}", reading.white)
    if labels is not None:
        labels = to_labels(labels, len(images), f"{path}: {pair.labels}")
    part = f"{pair.part} " if pair.part else ""
    said = f"{part}{len(images)} {said} ({rule_of(array, reading.white)})"
    return _Pair(images=images, labels=labels, said=said)


def _check_alike(
    pairs: Sequence[KeyPair], images: Sequence[np.ndarray], values: Sequence[np.ndarray], path: Path
) -> None:
    """Refuse parts that cannot stand side by side."""
    if len({array.shape[1:] for array in images}) > 1:
        sizes = ", ".join(
            f"{pair.images} {array.shape}" for pair, array in zip(pairs, images, strict=True)
        )
        raise DataError(f"{path}: {sizes} are of different sizes; {CHOICE} to read one alone")
    if values and len(values) < len(images):
        bare = next(pair.images for pair in pairs if pair.labels is None)
        raise DataError(f"{path}: {bare} has no labels beside it, the others do; {CHOICE}")
    if len({array.dtype.kind == "U" for array in values}) > 1:
        raise DataError(f"{path}: labels are numbers in one part and text in another; use one kind")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Labels:
    """Labels (n,) with the names that a file gives them."""

    labels: NDArray[np.int64] | None = None
    class_names: tuple[str, ...] | None
    notes: tuple[str, ...] = ()


def _labelled(values: Sequence[np.ndarray], names: tuple[str, ...] | None, where: str) -> _Labels:
    """Return class numbers from 0, whatever the labels are: text, numbers from 0 or from 1."""
    if not values:
        return _Labels(class_names=names)
    labels = np.concatenate(values)
    if labels.dtype.kind == "U":
        found = in_order(labels.tolist())
        strange = sorted(set(found) - set(names or found))
        if strange:
            raise DataError(f"{where}: labels hold {some_of(strange)}, which class_names does not")
        names = names or found
        return _Labels(labels=numbered(labels.tolist(), names), class_names=names)
    if names is None or labels.max() < len(names):
        return _Labels(labels=labels, class_names=names)
    if labels.min() == 1 and labels.max() == len(names):
        note = f"labels count from 1: 1 is {names[0]!r}, {len(names)} is {names[-1]!r}"
        return _Labels(labels=labels - 1, class_names=names, notes=(note,))
    raise DataError(
        f"{where}: labels reach {labels.max()} but class_names has only {len(names)}; "
        "name every class"
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
        twice = some_of([str(names[counts.argmax()])])
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
