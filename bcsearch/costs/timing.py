"""Takes the time of calls, on rows that are repeated to a whole batch."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

REPEATS = 3  # of a call, of which the quickest counts: whatever else the machine does only adds
LONG_SECONDS = 2.0  # a call that takes so long is not repeated


def seconds_of(call: Callable[[], object]) -> float:
    """Return the seconds that a call takes this time."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def quickest(call: Callable[[], object]) -> float:
    """Return the seconds of the quickest of a few calls."""
    found = [seconds_of(call)]
    while len(found) < REPEATS and sum(found) < LONG_SECONDS:
        found.append(seconds_of(call))
    return min(found)


def repeated(rows: np.ndarray, n_rows: int) -> np.ndarray:
    """Return ``n_rows`` rows, those of ``rows`` again and again."""
    return rows[np.arange(n_rows) % len(rows)]
