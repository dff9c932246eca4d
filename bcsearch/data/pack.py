"""Writes a dataset as one .npz file or as class folders of PNG files, and packs such folders."""

from __future__ import annotations

import json
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

from bcsearch.data.folder import is_split
from bcsearch.data.keys import part_of
from bcsearch.data.naming import in_order, normalised, some_of, written
from bcsearch.data.pictures import read_whole
from bcsearch.data.place import look
from bcsearch.errors import DataError, DiskError
from bcsearch.paths import creating, make_writable_dir, read_text

if TYPE_CHECKING:
    from pathlib import Path

    from bcsearch.data.dataset import Dataset
    from bcsearch.data.place import Place

DESCRIPTION = "bcsearch-images.json"  # beside the class folders
LONGEST = 200  # bytes of the name of a folder
PLAIN_NAME = re.compile(r"[\w][\w .()+-]*[\w)]|\w")  # of a class, that may be that of a folder


def write_npz(path: Path, dataset: Dataset, rows: np.ndarray | None = None) -> int:
    """Write rows of a dataset, by default all, as arrays that bcsearch reads; return how many.

    They are ``data`` (n, height, width, 3) uint8, ``labels`` (n, 1), ``class_names`` and, where the
    dataset has them, ``groups``; a split becomes ``train_data``, ``val_data``, ``test_data`` and so
    on, without groups. A test part is written whole.

    Raises:
        DiskError: there is something at ``path`` already, or it cannot be written.
    """
    if rows is None:
        rows = np.arange(dataset.n_images)
    arrays: dict[str, Any] = {"class_names": np.array(dataset.class_names)}
    parts = _parts(dataset, rows)
    for part in parts:
        arrays |= _arrays(part, dataset.n_classes)
    if len(parts) == 1 and dataset.groups is not None:
        arrays["groups"] = dataset.groups[rows]
    with creating(path) as draft, draft.open("wb") as file:
        np.savez(file, **arrays)
    return len(rows)


def write_pictures(folder: Path, dataset: Dataset) -> int:
    """Write all images as PNG files, by class, their row as the name; return how many.

    Raises:
        DataError: they are files already.
        DiskError: the folder is not empty, or cannot be written.
    """
    if dataset.names is not None:
        raise DataError(f"{dataset.source}: its images are files already; look at them there")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DiskError(f"{folder} is not empty, and nothing in it is touched; give another --out")
    folders = _folders(dataset.class_names)
    parts = _parts(dataset, np.arange(dataset.n_images))
    digits = max(len(str(part.rows.max(initial=0))) for part in parts)
    images: dict[Path, np.ndarray] = {}
    for part in parts:
        for row, label, image in zip(part.rows, part.labels, part.images, strict=True):
            images[folder / part.name / folders[label] / f"{row:0{digits}d}.png"] = image
    for parent in {place.parent for place in images}:
        make_writable_dir(parent, "--out")
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda place: Image.fromarray(images[place]).save(place), images))
    description = {
        "written_by": "bcsearch data images",
        "source": dataset.source,
        "classes": dict(zip(folders, dataset.class_names, strict=True)),
    }
    if dataset.groups is not None:
        names = [f"{row:0{digits}d}" for row in range(dataset.n_images)]
        description["groups"] = dict(zip(names, map(str, dataset.groups), strict=True))
    with creating(folder / DESCRIPTION) as draft:
        draft.write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")
    return len(images)


def pack(folder: Path, path: Path) -> str:
    """Write class folders of images of one size as one .npz file, and say what was packed.

    Files keep the order of their names, over all classes; an image that was moved to another
    folder has that folder's class. What is transparent is laid on white. What
    ``write_pictures`` wrote comes back with nothing lost.

    Raises:
        DataError: there are no class folders, images differ in size, or one cannot be read.
        DiskError: there is something at ``path`` already.
    """
    if not folder.is_dir():
        raise DataError(f"{written(str(folder))}: is no folder; give one of class folders")
    known, place = _description(folder), look(folder)
    files = _class_files(place)
    classes: dict[str, str] = known.get("classes") or {}
    found = in_order({file.parent.name for file in files} - set(classes))
    classes = {**classes, **{name: normalised(name) for name in found}}
    names = tuple(dict.fromkeys(classes.values()))
    numbers = {name: names.index(classes[name]) for name in classes}
    images = _read(folder, files)
    labels = np.array([numbers[file.parent.name] for file in files])
    parts = np.full(len(files), "", "U8")
    if is_split(place):
        parts[:] = [part_of(file.relative_to(folder).parts[0]) or "" for file in files]
    arrays: dict[str, Any] = {"class_names": np.array(names)}
    for part in dict.fromkeys(parts.tolist()):
        mine = np.flatnonzero(parts == part)
        arrays |= _arrays(_Part(part, mine, images[mine], labels[mine]), len(names))
    groups = known.get("groups")
    if groups and not parts.any():
        arrays["groups"] = np.array([groups.get(file.stem, f"file {file.stem}") for file in files])
    with creating(path) as draft, draft.open("wb") as file:
        np.savez(file, **arrays)
    counts = Counter(classes[file.parent.name] for file in files)
    shown = some_of([f"{name} {counts[name]}" for name in names], 12)
    return f"{len(files)} images, {len(names)} classes: {shown}"


def _class_files(place: Place) -> list[Path]:
    """Return the images of class folders, in the order of their names, whatever their class."""
    depth = 2 if is_split(place) else 1
    files = sorted(place.images, key=lambda file: (file.stem, file.as_posix()))
    others = [file for file in files if place.depth(file) != depth]
    where = written(str(place.path))
    if len(others) == len(files):
        raise DataError(
            f"{where}: no images in class folders; needed: one folder a class, or train, val and "
            "test, each with one folder a class"
        )
    if others:
        raise DataError(
            f"{where}: {len(others)} images lie higher or deeper than the class folders, such as "
            f"{written(others[0].relative_to(place.path).as_posix())}; move them into the folder "
            "of their class, or away"
        )
    return files


class _Part(NamedTuple):
    """A part of a split, or all (no name): rows (n,), images (n, ...), class numbers (n,)."""

    name: str
    rows: np.ndarray
    images: np.ndarray
    labels: np.ndarray


def _parts(dataset: Dataset, rows: np.ndarray) -> list[_Part]:
    """Return rows of a dataset by the part of its split, and its test part whole."""
    valid = dataset.valid
    rows_of = {"train" if dataset.test is not None else "": rows}
    if valid is not None:
        rows_of = {"train": rows[~valid[rows]], "val": rows[valid[rows]]}
    parts = [
        _Part(name, mine, dataset.images[mine], dataset.labels[mine])
        for name, mine in rows_of.items()
    ]
    if dataset.test is not None:
        labels = dataset.test.require_labels()
        names = dataset.test.class_names or dataset.class_names
        strange = {names[label] for label in labels} - set(dataset.class_names)
        if strange:
            raise DataError(
                f"{dataset.source}: the test part has classes that no other part has: "
                f"{some_of(sorted(strange))}; leave them out"
            )
        labels = np.array([dataset.class_names.index(names[label]) for label in labels])
        parts.append(_Part("test", np.arange(len(labels)), dataset.test.images, labels))
    return parts


def _arrays(part: _Part, n_classes: int) -> dict[str, np.ndarray]:
    prefix = f"{part.name}_" if part.name else ""
    kind = np.uint8 if n_classes <= 256 else np.int64
    labels = part.labels.astype(kind)[:, np.newaxis]
    return {f"{prefix}data": part.images, f"{prefix}labels": labels}


def _folders(names: tuple[str, ...]) -> list[str]:
    """Return a folder for each class: its name where that can be one, else its number."""
    if len({name.lower() for name in names}) == len(names) and not any(map(part_of, names)):
        return [
            name if _may_be_a_folder(name) else f"class {number}"
            for number, name in enumerate(names)
        ]
    return [f"class {number}" for number in range(len(names))]


def _may_be_a_folder(name: str) -> bool:
    return bool(PLAIN_NAME.fullmatch(name)) and len(name.encode()) <= LONGEST


def _description(folder: Path) -> dict[str, Any]:
    """Return what ``write_pictures`` noted; nothing where it did not write the folder."""
    path = folder / DESCRIPTION
    if not path.exists():
        return {}
    try:
        found = json.loads(read_text(path))
        classes, groups = found["classes"], found.get("groups") or {}
        texts = [*classes.keys(), *classes.values(), *groups.keys(), *groups.values()]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("names are texts")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{written(str(path))}: is damaged ({type(error).__name__}); remove it to pack the "
            "folders without it"
        ) from error
    return {"classes": classes, "groups": groups}


def _read(folder: Path, files: list[Path]) -> np.ndarray:
    first = read_whole(files[0])
    images = np.empty((len(files), *first.shape), np.uint8)
    with ThreadPoolExecutor() as pool:
        for row, image in enumerate(pool.map(read_whole, files)):
            if image.shape != first.shape:
                other, first_name = (
                    written(each.relative_to(folder).as_posix()) for each in (files[row], files[0])
                )
                raise DataError(
                    f"{written(str(folder))}: {first_name} has {_size(first)} pixels and {other} "
                    f"{_size(image)}; packing changes no image: give all one size, or train on "
                    "the folder itself"
                )
            images[row] = image
    return images


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]} x {image.shape[0]}"
