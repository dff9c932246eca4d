"""Names as they lie on disk or in a file, made fit for showing, writing and comparing."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

LONGEST = 40  # characters of a name in a message


def written(name: str) -> str:
    r"""Return a name that can be written as UTF-8: other bytes become ``\xe9`` and the like."""
    whole = re.sub("[\ud800-\udc7f\udd00-\udfff]", "\N{REPLACEMENT CHARACTER}", name)
    return whole.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def normalised(name: str) -> str:
    """Return a name as it is compared: written, its accents composed (NFC)."""
    return unicodedata.normalize("NFC", written(name))


def some_of(names: Collection[str], most: int = 5) -> str:
    """Return a few names joined by commas, long ones cut, and how many more there are."""
    shown = [_cut(name) for name in list(names)[:most]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Return distinct names sorted: as numbers where all are whole numbers, else as text."""
    distinct = sorted(set(names))
    if all_numbers(distinct):
        distinct.sort(key=int)
    return tuple(distinct)


def all_numbers(names: Iterable[str]) -> bool:
    """Whether all names are whole numbers from 0, written without more zeros before them."""
    return all(re.fullmatch("0|[1-9][0-9]{0,17}", name) for name in names)


def numbered(values: Iterable[str], names: tuple[str, ...]) -> np.ndarray:
    """Return the place of each value among ``names``, int64."""
    place = {name: number for number, name in enumerate(names)}
    return np.array([place[value] for value in values], np.int64)


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 3]}..."
