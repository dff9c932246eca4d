"""Reads which rows of a dataset are left out, as ``bcsearch data check`` writes it."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.data.naming import written
from bcsearch.data.table import OF_A_CHECK, read_lines
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from bcsearch.data.dataset import Dataset

MARK = f"{OF_A_CHECK}: rows, counted from 0, of the dataset {{}}"  # its order_fingerprint
HEADER = ("row", "reason", "evidence")


def without_rows(dataset: Dataset, path: Path) -> Dataset:
    """Return a dataset of which the rows of a table are excluded.

    Raises:
        DataError: the table is of another dataset, or leaves a class without images.
    """
    rows = read_excluded(path, dataset)
    if not rows:
        return dataset
    excluded = np.zeros(dataset.n_images, bool)
    excluded[rows] = True
    note = f"{len(rows)} of {dataset.n_images} images are left out, as {written(path.name)} says"
    return replace(dataset, excluded=excluded, notes=(*dataset.notes, note))


def read_excluded(path: Path, dataset: Dataset) -> list[int]:
    """Return the rows that a file such as ``exclude.csv`` names, rising.

    Raises:
        DataError: it is of another dataset, or names no rows of this one.
    """
    where = written(str(path))
    mark, *lines = read_lines(path) or [""]
    if mark != MARK.format(dataset.order_fingerprint):
        reason = "its first line names no dataset"
        if mark.startswith(MARK.format("")):
            reason = "is of another dataset, or of other labels"
        raise DataError(
            f"{where}: {reason}; needed: {MARK.format(dataset.order_fingerprint)!r}, as 'bcsearch "
            "data check' writes it for this data"
        )
    table = list(csv.reader(lines))
    if not table or table[0][:1] != ["row"]:
        raise DataError(f"{where}: has no column row; its second line is {','.join(HEADER)}")
    rows = set()
    for number, cells in enumerate(table[1:], 3):
        if not cells:
            continue
        text = cells[0].strip()
        if not text.isdecimal() or int(text) >= dataset.n_images:
            raise DataError(
                f"{where}: line {number} names row {text[:20]!r}; allowed: 0 to "
                f"{dataset.n_images - 1}"
            )
        rows.add(int(text))
    return sorted(rows)
