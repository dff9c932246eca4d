"""Copies of a whole database, as it is at one moment: a backup file, or another database."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import MetaData, create_engine, func, insert, inspect, select
from sqlalchemy.engine import URL

from bcsearch.errors import DiskError, StorageError
from bcsearch.paths import creating
from bcsearch.storage.database import existing_database
from bcsearch.storage.database_errors import plain_errors, sound_rows
from bcsearch.storage.engine import engine_options
from bcsearch.storage.optuna_private import OPTUNA_TABLES, SCHEMA, is_older, schema_of
from bcsearch.storage.tables import METADATA
from bcsearch.storage.urls import checked, masked, sqlite_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Table
    from sqlalchemy.engine import Engine

CHUNK = 5_000  # rows in memory at a time
TABLES = (*OPTUNA_TABLES.sorted_tables, *METADATA.sorted_tables, SCHEMA)  # in order of references


def copy_database(source: str, destination: str) -> tuple[int, int]:
    """Copy all studies, with slots and ledger, into an empty database; all of it or nothing.

    Return how many studies and trials were copied.

    Raises:
        StudyError: there is nothing to copy.
        StorageError: the destination is not empty, or one of both cannot be used.
        DiskError: the destination is a file that is there already or cannot be written.
    """
    url, target = checked(source), checked(destination)
    with existing_database(url, with_studies=True) as engine:
        path = sqlite_path(target)
        if path is None:
            return _copy_tables(engine, TABLES, target)
        with creating(path) as draft:
            return _copy_tables(engine, TABLES, target.set(database=str(draft)))


def back_up(url: str, path: Path) -> tuple[int, int]:
    """Write all studies, of whatever schema, into a new SQLite file.

    Any command takes the file as ``--storage``. Return how many studies and trials it holds.

    Raises:
        StudyError: there is nothing to back up.
        StorageError: the database cannot be used or holds no studies.
        DiskError: the file is there already or cannot be written.
    """
    address = checked(url)
    with existing_database(address) as engine:
        if not inspect(engine).has_table("trials"):
            raise StorageError(
                f"database {masked(str(address))} holds no studies of Optuna's; "
                "check the storage URL"
            )
        with creating(path) as draft:
            if engine.name != "sqlite":
                target = URL.create("sqlite+pysqlite", database=str(draft))
                return _copy_tables(engine, _tables_in(engine), target)
            try:
                return _copy_pages(engine, draft)
            except sqlite3.Error as error:
                raise DiskError(
                    f"cannot write {path}: {error}; free some room or choose another place"
                ) from error


def _copy_pages(engine: Engine, draft: Path) -> tuple[int, int]:
    with engine.connect() as connection, closing(sqlite3.connect(draft)) as target:
        source: Any = connection.connection.driver_connection
        # all pages in one step: in several it would start again whenever a worker writes
        source.backup(target)
        counts = "SELECT (SELECT count(*) FROM studies), (SELECT count(*) FROM trials)"
        n_studies, n_trials = target.execute(counts).fetchone()
    return n_studies, n_trials


def _tables_in(engine: Engine) -> Sequence[Table]:
    """Return the tables of Optuna and bcsearch in a database of any schema."""
    if not is_older(schema_of(engine)):
        return TABLES
    known = {table.name for table in TABLES}
    found = MetaData()
    found.reflect(engine, only=lambda name, _: name in known)
    for table in found.sorted_tables:
        for column in table.columns:
            column.type = column.type.as_generic()
            column.server_default = None
    return found.sorted_tables


def _copy_tables(engine: Engine, tables: Sequence[Table], url: URL) -> tuple[int, int]:
    """Make ``tables`` in an empty database and fill them with the rows of ``engine``."""
    counts: dict[str, int] = {}
    made: list[Table] = []
    with _snapshot(engine) as source, _filling(url, made) as target:
        there = set(inspect(source).get_table_names())  # plain Optuna makes none of ours
        for table in tables:
            table.create(target)
            made.append(table)
            counts[table.name] = 0
            if table.name not in there:
                continue
            for rows in _chunks(source, engine.url, table):
                target.execute(insert(table), rows)
                counts[table.name] += len(rows)
        if target.dialect.name == "postgresql":
            _set_sequences(target, tables)
    return counts["studies"], counts["trials"]


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Connection]:
    """Yield a connection that reads the database as it is at one moment."""
    with engine.connect() as connection:
        if engine.name == "sqlite":
            connection.exec_driver_sql("BEGIN")  # pysqlite begins none for reading
        else:
            connection.execution_options(isolation_level="REPEATABLE READ")
        if engine.name == "mysql":  # otherwise its moment is that of the first row read
            connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        yield connection


@contextmanager
def _filling(url: URL, made: Sequence[Table]) -> Iterator[Connection]:
    """Yield a connection to an empty database, which is empty again if the block fails.

    ``made`` are the tables that the block has created.
    """
    engine = create_engine(url, **engine_options(url))
    try:
        with plain_errors(url):
            names = sorted(inspect(engine).get_table_names())
            if names:
                raise StorageError(
                    f"database {masked(str(url))} is not empty: it holds {', '.join(names[:3])}; "
                    "choose an empty one"
                )
            try:
                with engine.begin() as connection:
                    yield connection
            except BaseException:
                if engine.name == "mysql":  # where creating a table ends the transaction
                    for table in reversed(made):
                        table.drop(engine)
                raise
    finally:
        engine.dispose()


def _chunks(source: Connection, url: URL, table: Table) -> Iterator[list[dict[str, Any]]]:
    with (
        plain_errors(url),
        sound_rows(url),
    ):  # so that an error of the source does not name the destination
        found = source.execution_options(yield_per=CHUNK).execute(select(table)).mappings()
        for part in found.partitions():
            yield [dict(row) for row in part]


def _set_sequences(target: Connection, tables: Sequence[Table]) -> None:
    for table in tables:
        column = table.autoincrement_column
        if column is not None:
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            target.execute(select(func.setval(sequence, func.max(column))))
