"""Collects what is computed for one use and kept nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bcsearch.features.entry import cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def collected(
    chunks: Iterable[np.ndarray],
    rows: np.ndarray,
    change: Callable[[np.ndarray], Iterable[np.ndarray]],
    empty: np.ndarray,
) -> np.ndarray:
    """Put what becomes of some rows of consecutive chunks at their places.

    Args:
        chunks: of all rows, in their order.
        rows: those that are wanted, rising.
        change: makes consecutive parts of the result of rows of a chunk.
        empty: filled and returned; half precision that cannot hold a value becomes float32.
    """
    found, start = empty, 0
    for chunk in chunks:
        end = start + len(chunk)
        here = rows[(rows >= start) & (rows < end)]
        done = 0
        for part in change(chunk[here - start]):
            if cast(part, found.dtype) is None:
                found = found.astype(np.float32)
            found[here[done : done + len(part)]] = part
            done += len(part)
        start = end
    return found
