"""Which study is meant by a name: the newest of a sweep, or the one called so. Imports this floor's reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.errors import StudyError, unknown
from bcsearch.storage.read import list_studies, newest_study_of

if TYPE_CHECKING:
    from bcsearch.storage.rdb import Storage


def find_study(source: Storage | str, name: str) -> str:
    """Return the newest study of the sweep ``name``, or the study that is called so.

    Raises:
        StudyError: there is neither, or nothing was ever run on this storage.
    """
    newest = newest_study_of(source, name)
    if newest is not None:
        return newest
    names = [record.name for record in list_studies(source)]
    if name not in names:
        raise StudyError(f"{unknown('study', name, names)}; start one with 'bcsearch run --study NAME'")
    return name
