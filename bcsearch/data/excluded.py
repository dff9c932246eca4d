"""Reads what ``bcsearch data check`` wrote: which rows are left out, which belong together."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.data.naming import written
from bcsearch.data.table import read_lines
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bcsearch.data.dataset import Dataset

OF_A_CHECK = "# bcsearch data check"  # begins the first line of its tables
MARK = f"{OF_A_CHECK}: rows, counted from 0, of the dataset {{}}"  # its order_fingerprint
HEADER = ("row", "reason", "evidence")
GROUPED = ("row", "group")


def without_rows(dataset: Dataset, path: Path) -> Dataset:
    """Return a dataset of which the rows of a table are excluded.

    Raises:
        DataError: the table is of another dataset, or leaves a class without images.
    """
    rows = read_excluded(path, dataset)
    excluded = np.zeros(dataset.n_images, bool)
    excluded[rows] = True
    counts = np.bincount(dataset.labels[~excluded], minlength=dataset.n_classes)
    if not counts.all():
        raise DataError(
            f"--exclude {written(str(path))}: leaves no images of class "
            f"{dataset.class_names[counts.argmin()]!r}; leave out fewer, or take the class out of "
            "the data"
        )
    note = f"{len(rows)} of {dataset.n_images} images are left out, as {written(path.name)} says"
    return replace(dataset, excluded=excluded, notes=(*dataset.notes, note))


def read_excluded(path: Path, dataset: Dataset) -> list[int]:
    """Return the rows that a file such as ``exclude.csv`` names, rising.

    Raises:
        DataError: it is of another dataset, or names no rows of this one.
    """
    return sorted({row for row, _ in _rows(path, dataset, HEADER)})


def with_groups(dataset: Dataset, path: Path) -> Dataset:
    """Return a dataset with the groups of a ``groups.csv``, which names every row.

    Raises:
        DataError: it is of another dataset, or does not name every row once.
    """
    found = list(_rows(path, dataset, GROUPED))
    group_of = dict(found)
    if len(found) != dataset.n_images or len(group_of) < len(found):
        raise DataError(
            f"{written(str(path))}: names {len(group_of)} rows in {len(found)} lines; needed: each "
            f"of the {dataset.n_images} rows once, with a group of its own where it stands alone"
        )
    blank = [row for row, group in found if not group]
    if blank:
        raise DataError(
            f"{written(str(path))}: row {blank[0]} has no group; give each row the number or name "
            "of one, its own row where it stands alone"
        )
    groups = np.array([group_of[row] for row in range(dataset.n_images)])
    return replace(dataset, groups=groups)


def is_of_check(path: Path) -> bool:
    """Whether a file begins as those of ``bcsearch data check``."""
    try:
        with path.open("rb") as file:
            return OF_A_CHECK.encode() in file.read(80)
    except OSError:
        return False


def _rows(path: Path, dataset: Dataset, header: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Yield the row number and the second cell of each line of a table."""
    where = written(str(path))
    mark, *lines = read_lines(path) or [""]
    if mark.strip(' ";,\t') != MARK.format(dataset.order_fingerprint):
        reason = "its first line names no dataset"
        if OF_A_CHECK in mark:
            reason = "is of another dataset, or of other labels"
        raise DataError(
            f"{where}: {reason}; needed: {MARK.format(dataset.order_fingerprint)!r}, as 'bcsearch "
            "data check' writes it for this data"
        )
    head = lines[0] if lines else ""
    delimiter = max(",;\t", key=head.count)
    try:
        table = list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise DataError(f"{where}: is no table ({error}); check its quotes") from error
    names = tuple(name.strip() for name in table[0]) if table else ()
    if names[:2] != header[:2]:
        raise DataError(f"{where}: its second line is {head[:40]!r}; needed: {','.join(header)}")
    for number, cells in enumerate(table[1:], 3):
        if not any(cell.strip() for cell in cells):
            continue
        text = cells[0].strip().removesuffix(".0")  # as programs write that take it for a fraction
        if not text.isdecimal() or len(text) > 12 or int(text) >= dataset.n_images:
            raise DataError(
                f"{where}: line {number} names row {text[:20]!r}; allowed: 0 to "
                f"{dataset.n_images - 1}"
            )
        yield int(text), cells[1].strip() if len(cells) > 1 else ""
