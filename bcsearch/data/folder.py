"""Lists the images of folders: of classes, of splits that hold classes, or all alike."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bcsearch.data.keys import part_of
from bcsearch.data.listing import Listing, counted, read_listing
from bcsearch.data.naming import some_of, written
from bcsearch.data.pictures import SUFFIXES
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bcsearch.config.sweep import Reading
    from bcsearch.data.image_set import ImageSet
    from bcsearch.data.place import Place

KINDS = ", ".join(suffix[1:] for suffix in SUFFIXES)


def is_split(place: Place) -> bool:
    """Whether all sub-folders that hold images are called as the parts of a split."""
    parts = {part_of(name) for name in place.holding_images}
    return None not in parts and "train" in parts


def read_classes(place: Place, reading: Reading, size: int) -> ImageSet:
    """Read a folder that has a sub-folder for every class.

    Raises:
        DataError: there are no images where they should be, or one that cannot be read.
    """
    files = [image for image in place.images if place.depth(image) == 1]
    if not files:
        raise DataError(_nothing(place))
    classes = counted([written(file.parent.name) for file in files])
    listing = _of_classes(place, files, f"read as class folders: {classes}")
    return read_listing(listing, place.path, size, reading)


def read_splits(place: Place, reading: Reading, size: int) -> ImageSet:
    """Read a folder of splits, such as train and test, each with a sub-folder for every class.

    Raises:
        DataError: the splits hold no class folders, or an image cannot be read.
    """
    files = [image for image in place.images if place.depth(image) == 2]
    if not files:
        folders = some_of([written(name) for name in place.holding_images])
        raise DataError(
            f"{written(str(place.path))}: {folders} are called as splits but hold no class "
            "folders; sort their images into one folder a class, or take them as classes with "
            "--layout classes, or give a table of paths and labels"
        )
    parts = [part_of(file.relative_to(place.path).parts[0]) or "train" for file in files]
    said = ", ".join(f"{written(name)} as {part_of(name)}" for name in place.holding_images)
    note = f"read as splits of class folders, {said}: {counted(parts)} images"
    listing = replace(_of_classes(place, files, note), parts=parts)
    return read_listing(listing, place.path, size, reading)


def read_flat(place: Place, reading: Reading, size: int) -> ImageSet:
    """Read all images of a folder, at any depth, or one image file, without labels.

    Raises:
        DataError: there are none, or one cannot be read.
    """
    files, folder = list(place.images), place.path
    if not place.is_folder:
        files, folder = [place.path], place.path.parent
    if not files:
        raise DataError(_nothing(place))
    notes = (f"read as {len(files)} images without labels", *place.passed_over)
    listing = Listing(files=files, names=_relative(folder, files), notes=notes)
    return read_listing(listing, place.path, size, reading)


def _relative(folder: Path, files: Sequence[Path]) -> list[str]:
    return [file.relative_to(folder).as_posix() for file in files]


def _of_classes(place: Place, files: Sequence[Path], note: str) -> Listing:
    """List files by the names of their folders, and say what was left out beside ``note``."""
    classes = [file.parent.name for file in files]
    return Listing(
        files=files,
        names=_relative(place.path, files),
        classes=classes,
        class_names=tuple(sorted(set(classes))),
        notes=(note, *_left_out(place, len(files))),
    )


def _left_out(place: Place, n_read: int) -> list[str]:
    """Say of images that lie elsewhere, of folders without images, of what was passed over."""
    notes = []
    if len(place.images) > n_read:
        notes.append(
            f"left out: {len(place.images) - n_read} images that lie higher or deeper than the "
            "class folders"
        )
    empty = [name for name in place.folders if name not in place.holding_images]
    if empty:
        shown = some_of([written(name) for name in empty])
        notes.append(f"passed over: folders without images ({shown})")
    if place.tables:
        shown = some_of([written(table.name) for table in place.tables])
        notes.append(f"not read: {shown}; --layout labels reads labels from such a table")
    return [*notes, *place.passed_over]


def _nothing(place: Place) -> str:
    """Say that a folder has no images where they are looked for, and where there are some."""
    where = written(str(place.path))
    if not place.images:
        passed = "".join(f" ({line})" for line in place.passed_over)
        return (
            f"{where}: no images in it{passed}; needed: one sub-folder for every class, "
            f"with {KINDS} files"
        )
    first = place.images[0].relative_to(place.path)
    level = "/".join(written(part) for part in first.parts[:-2])
    deeper = f"its images lie deeper, as {written(first.as_posix())}"
    return f"{where}: no images in its class folders; {deeper}: give {where}/{level}"
