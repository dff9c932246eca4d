"""Joins groups of rows that have a row in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def joined(groups: Iterable[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    """Return the finest groups of rows that contain all given groups, rising."""
    pairs = [(rows[0], row) for rows in groups for row in rows[1:]]
    if not pairs:
        return ()
    firsts, others = np.array(pairs).T
    n_rows = int(max(firsts.max(), others.max())) + 1
    graph = coo_array((np.ones(len(pairs)), (firsts, others)), shape=(n_rows, n_rows))
    return tuple(map(tuple, rows_by(connected_components(graph, directed=False)[1])))


def rows_by(keys: np.ndarray) -> list[list[int]]:
    """Return the rows of every key that several rows have, in the order of their first rows."""
    rows: dict[object, list[int]] = {}
    for row, key in enumerate(keys.tolist()):
        rows.setdefault(key, []).append(row)
    return [each for each in rows.values() if len(each) > 1]


def partition(groups: Iterable[Sequence[int]], n_rows: int) -> np.ndarray:
    """Return for each row the lowest row of its group, its own where it has none, (n_rows,)."""
    lowest = np.arange(n_rows)
    for rows in joined(groups):
        lowest[list(rows)] = rows[0]
    return lowest
