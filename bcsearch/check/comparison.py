"""Lays candidates for copies over one another, here or in several processes."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import joblib
import numpy as np

from bcsearch.check.alignment import Details, likeness, spectra_of
from bcsearch.pool import in_order, process_pool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bcsearch.check.candidates import Candidate

EVERY = 64  # pictures, each with its candidates, that are compared at a time
POOL_PAIRS = 20_000  # from which starting processes pays
GREY, COARSE = "grey.npy", "coarse.npy"

Group = tuple[int, "Sequence[Candidate]"]  # the first row of some candidates, and these


def likenesses(
    grey: np.ndarray, pairs: Sequence[Candidate], tell: Callable[[str, int, int], None]
) -> Iterator[tuple[Candidate, float]]:
    """Yield candidates among grey images (n, 96, 96) with their likeness, -1 to 1, in their order.

    ``tell`` hears how far it is.
    """
    by_first: dict[int, list[Candidate]] = defaultdict(list)
    for pair in pairs:
        by_first[pair.first].append(pair)
    groups = list(by_first.items())
    parts = [groups[at : at + EVERY] for at in range(0, len(groups), EVERY)]
    details = Details(grey)
    n_processes = joblib.cpu_count() if len(pairs) >= POOL_PAIRS else 1
    with TemporaryDirectory(prefix="bcsearch-") as folder, process_pool(n_processes) as pool:
        compared: Iterator[list[float]] = (_compared(details, part) for part in parts)
        if pool is not None and _are_written(folder, grey, details):
            compared = in_order(pool, compared_in, [folder] * len(parts), parts)
        for number, (part, found) in enumerate(zip(parts, compared, strict=True)):
            tell("laying pictures over one another", number * EVERY, len(groups))
            candidates = [pair for _, seconds in part for pair in seconds]
            yield from zip(candidates, found, strict=True)


def _are_written(folder: str, grey: np.ndarray, details: Details) -> bool:
    """Write what other processes need; False where there is no room: all is compared here then."""
    try:
        np.save(Path(folder, GREY), grey)
        np.save(Path(folder, COARSE), details.coarse)
    except OSError:
        return False
    return True


def compared_in(folder: str, part: Sequence[Group]) -> list[float]:
    """Compare images whose details lie in a folder; called in another process."""
    return _compared(_details_in(folder), part)


@lru_cache(1)
def _details_in(folder: str) -> Details:
    """Open the details in a folder; nothing of them is ever changed."""
    grey, coarse = (np.load(Path(folder, name), mmap_mode="r") for name in (GREY, COARSE))
    return Details(grey, coarse)


def _compared(details: Details, part: Sequence[Group]) -> list[float]:
    found = []
    for first, seconds in part:
        spectra = spectra_of(details.coarse[first])
        found += [
            likeness(details, first, pair.second, pair.orientation, spectra) for pair in seconds
        ]
    return found
