"""A database kept in one new SQLite file, as it is at one moment, while workers go on.

Imports sqlalchemy.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect
from sqlalchemy.engine import URL

from bcsearch.errors import DiskError, StorageError
from bcsearch.paths import creating
from bcsearch.storage.copy import Copied, copy_tables, tables_in
from bcsearch.storage.urls import checked, masked
from bcsearch.storage.used import used_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import Engine


def back_up(url: str, path: Path) -> Copied:
    """Write all studies, of whatever schema, into a new SQLite file, which any command takes as ``--storage``.

    Raises:
        StudyError: there is nothing to back up.
        StorageError: the database cannot be used or holds no studies.
        DiskError: the file is there already or cannot be written.
    """
    address = checked(url)
    with used_database(address) as engine:
        if not inspect(engine).has_table("trials"):
            raise StorageError(
                f"database {masked(str(address))} holds no studies of Optuna's; check the storage URL"
            )
        with creating(path) as draft:
            if engine.name == "sqlite":
                with _written_to(path):
                    return _copy_pages(engine, draft)
            return copy_tables(
                engine, tables_in(engine), URL.create("sqlite+pysqlite", database=str(draft))
            )


@contextmanager
def _written_to(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise DiskError(
            f"cannot write {path}: {error}; free some room or choose another place"
        ) from error


def _copy_pages(engine: Engine, draft: Path) -> Copied:
    with engine.connect() as connection, closing(sqlite3.connect(draft)) as target:
        source: Any = connection.connection.driver_connection
        source.backup(
            target
        )  # all pages in one step: in many it would begin anew whenever a worker writes
        return Copied(n_studies=_count(target, "studies"), n_trials=_count(target, "trials"))


def _count(connection: sqlite3.Connection, table: str) -> int:
    counted: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    return counted
