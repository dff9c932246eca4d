"""Databases that studies were run on: opened where they are there, never created.

Imports sqlalchemy.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import inspect

from bcsearch.errors import StudyError
from bcsearch.storage.engine import plain_errors, reading_engine
from bcsearch.storage.urls import masked, sqlite_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL, Engine

RUN_FIRST = "start one with 'bcsearch run --study NAME'"


@contextmanager
def used_database(url: URL) -> Iterator[Engine]:
    """Yield an engine on a database that holds tables, whosever they are.

    Raises:
        StudyError: there is no database, or it is empty.
        StorageError: it cannot be used, now or in the block.
    """
    path = sqlite_path(url)
    if path is not None and not os.path.exists(path):
        raise StudyError(f"no study was ever run here: there is no database {path}; {RUN_FIRST}")
    engine = reading_engine(url)
    try:
        with plain_errors(url):
            if not inspect(engine).get_table_names():
                raise is_empty(url)
            yield engine
    finally:
        engine.dispose()


def is_empty(url: URL) -> StudyError:
    """Return what to raise for a database without studies."""
    return StudyError(
        f"no study was ever run here: database {masked(str(url))} is empty; {RUN_FIRST}"
    )
