"""Groups that no fold splits, from a table of the user's or from file names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.data.excluded import is_of_check
from bcsearch.data.naming import some_of, written
from bcsearch.data.table import read_table
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from bcsearch.config.sweep import Reading
    from bcsearch.data.image_set import ImageSet


def chosen_groups(images: ImageSet, reading: Reading) -> np.ndarray | None:
    """Return the group of every image, from where the reading says; else those that it has.

    Raises:
        DataError: an image has no group, or the table or the pattern cannot be used.
    """
    if reading.groups is not None and reading.groups_from is not None:
        raise DataError("--groups and --groups-from both name groups; give one of them")
    if reading.groups is not None and is_of_check(Path(reading.groups)):
        return images.groups  # its rows are those of the dataset: see with_groups
    if reading.groups is not None:
        return _from_table(images, Path(reading.groups))
    if reading.groups_from is not None:
        return _from_names(images, reading.groups_from)
    return images.groups


def _from_table(images: ImageSet, path: Path) -> np.ndarray:
    table = read_table(path)
    n_images, where = len(images.images), f"--groups {written(str(path))}"
    if len(table.columns) == 1:
        (only,) = table.columns.values()
        if len(only) != n_images:
            raise DataError(
                f"{where}: {len(only)} rows for {n_images} images; give one row an image, or a "
                "column of paths beside the groups"
            )
        return np.array(only)
    names, groups = table.column("images"), table.column("groups")
    columns = list(table.columns)
    if len(columns) == 2:  # whatever they are called
        names = names or next(each for each in columns if each != groups)
        groups = groups or next(each for each in columns if each != names)
    if names is None or groups is None:
        raise DataError(f"{where}: has columns {some_of(columns)}; needed: path and group")
    of_name = dict(zip(table.columns[names], table.columns[groups], strict=True))
    found = [of_name.get(name, of_name.get(name.rpartition("/")[2])) for name in images.row_names]
    return _complete(found, images, f"{where} has no row for")


def _from_names(images: ImageSet, pattern: str) -> np.ndarray:
    if images.names is None:
        raise DataError(
            f"--groups-from: {images.source} has no file names; give --groups FILE.csv with one "
            "row an image"
        )
    try:
        find = re.compile(pattern).search
    except re.error as error:
        raise DataError(
            f"--groups-from: {pattern!r} is no pattern ({error}); example: '^([^_]+)_' finds p7 "
            "in p7_001.png"
        ) from error
    found = []
    for name in images.names:
        match = find(name.rpartition("/")[2]) or find(name)
        found.append(match and next((part for part in match.groups() if part), match.group()))
    return _complete(found, images, f"--groups-from {pattern!r} finds no group in")


def _complete(found: list[str | None], images: ImageSet, complaint: str) -> np.ndarray:
    missing = [name for name, group in zip(images.row_names, found, strict=True) if not group]
    if missing:
        raise DataError(f"{complaint} {len(missing)} images: {some_of(missing)}")
    return np.array(found)
