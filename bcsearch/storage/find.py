"""Which study is meant by a name: the newest of a sweep, or the one called so.

Imports this floor's reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.errors import StudyError, unknown
from bcsearch.storage.read import list_studies
from bcsearch.storage.used import RUN_FIRST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.records import StudyRecord
    from bcsearch.storage.rdb import Storage

FIRST = "-1"  # names the first study of a sweep, whose own name means the newest


def newest_of(sweep: str, studies: Sequence[StudyRecord]) -> str | None:
    """Return the last study made from ``sweep``, of studies in the order they were made.

    None where there is none.
    """
    names = [study.name for study in studies if study.sweep == sweep]
    return names[-1] if names else None


def find_study(source: Storage | str, name: str) -> str:
    """Return the newest study of the sweep ``name``, or the study called so.

    ``name-1`` is the first of a sweep.

    Raises:
        StudyError: there is none, or nothing was ever run on this storage.
    """
    studies = list_studies(source)
    names = [study.name for study in studies]
    found = newest_of(name, studies) or (name if name in names else None)
    if found is None and name.removesuffix(FIRST) in names:
        return name.removesuffix(FIRST)
    if found is None:
        raise StudyError(f"{unknown('study', name, names)}; {RUN_FIRST}")
    return found
