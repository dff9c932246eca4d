"""Copies of a whole database, as it is at one moment, while workers go on.

A backup is one new SQLite file; a copy goes into an empty database of any kind. Ids are kept.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import MetaData, create_engine, func, insert, inspect, select
from sqlalchemy.engine import URL

from bcsearch.errors import DiskError, StorageError
from bcsearch.paths import creating
from bcsearch.storage.database_errors import plain_errors
from bcsearch.storage.engine import engine_options, existing_database
from bcsearch.storage.optuna_private import OPTUNA_METADATA, SCHEMA, known_schemas, schema_of
from bcsearch.storage.tables import METADATA
from bcsearch.storage.urls import checked, masked, sqlite_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Table
    from sqlalchemy.engine import Engine

# in the order in which they are filled: a table comes after those that it refers to
TABLES = (*OPTUNA_METADATA.sorted_tables, *METADATA.sorted_tables, SCHEMA)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """How much a copy holds."""

    n_studies: int
    n_trials: int


def back_up(url: str, path: Path) -> Copied:
    """Write all studies, of any schema, into a new SQLite file that ``--storage`` takes.

    Raises:
        StudyError: there is nothing to back up.
        StorageError: the database cannot be used or holds no studies.
        DiskError: the file is there already or cannot be written.
    """
    address = checked(url)
    with existing_database(address) as engine:
        if not inspect(engine).has_table("trials"):
            place = masked(str(address))
            raise StorageError(f"database {place} holds no studies of Optuna's; check the URL")
        with creating(path) as draft:
            if engine.name == "sqlite":
                return _copy_pages(engine, draft, path)
            to = URL.create("sqlite+pysqlite", database=str(draft))
            return _copy_rows(engine, _tables_in(engine), to)


def copy_database(source: str, destination: str) -> Copied:
    """Copy all studies, with slots and ledger, into an empty database; all of it or nothing.

    Raises:
        StudyError: there is nothing to copy.
        StorageError: the destination is not empty, or one of both cannot be used.
        DiskError: the destination is a file that is there already or cannot be written.
    """
    url, to = checked(source), checked(destination)
    with existing_database(url, of_optuna=True) as engine:
        path = sqlite_path(to)
        if path is None:
            return _copy_rows(engine, TABLES, to)
        with creating(path) as draft:
            return _copy_rows(engine, TABLES, to.set(database=str(draft)))


def _copy_pages(engine: Engine, draft: Path, path: Path) -> Copied:
    try:
        with engine.connect() as connection, closing(sqlite3.connect(draft)) as target:
            source: Any = connection.connection.driver_connection
            # all pages in one step: in many, it would begin anew whenever a worker writes
            source.backup(target)
            return Copied(n_studies=_count(target, "studies"), n_trials=_count(target, "trials"))
    except sqlite3.Error as error:
        raise DiskError(
            f"cannot write {path}: {error}; free some space or choose another place"
        ) from error


def _count(connection: sqlite3.Connection, table: str) -> int:
    found: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    return found


def _tables_in(engine: Engine) -> Sequence[Table]:
    """Return the tables of Optuna and bcsearch that a database of any schema holds."""
    if schema_of(engine) not in known_schemas()[1:]:
        return TABLES
    known = {table.name for table in TABLES}
    found = MetaData()
    found.reflect(engine, only=lambda name, _: name in known)
    for table in found.sorted_tables:
        for column in table.columns:
            column.type = column.type.as_generic()
            column.server_default = None
    return found.sorted_tables


def _copy_rows(engine: Engine, tables: Sequence[Table], to: URL) -> Copied:
    """Make ``tables`` in an empty database and fill them with the rows of ``engine``."""
    counts: dict[str, int] = {}
    made: list[Table] = []
    with _snapshot(engine) as source, _empty_database(to, made) as target:
        existing = set(inspect(source).get_table_names())  # plain Optuna makes none of ours
        for table in tables:
            table.create(target)
            made.append(table)
            counts[table.name] = 0
            if table.name not in existing:
                continue
            for rows in _chunks(source, engine.url, table):
                target.execute(insert(table), rows)
                counts[table.name] += len(rows)
        if target.dialect.name == "postgresql":
            _set_sequences(target, tables)
    return Copied(n_studies=counts["studies"], n_trials=counts["trials"])


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Connection]:
    """Yield a connection whose reads all see the same moment."""
    with engine.connect() as connection:
        if engine.name == "sqlite":
            connection.exec_driver_sql("BEGIN")  # pysqlite begins none for reading
        else:
            connection.execution_options(isolation_level="REPEATABLE READ")
        if engine.name == "mysql":  # else its moment is that of the first row that is read
            connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        yield connection


@contextmanager
def _empty_database(url: URL, made: Sequence[Table]) -> Iterator[Connection]:
    """Yield a connection to an empty database; if the block fails, the tables ``made`` go."""
    engine = create_engine(url, **engine_options(url))
    try:
        with plain_errors(url):
            names = sorted(inspect(engine).get_table_names())
            if names:
                raise StorageError(
                    f"database {masked(str(url))} is not empty: it holds {', '.join(names[:3])}; "
                    "choose an empty one"
                )
            with engine.begin() as connection:
                yield connection
    except BaseException:
        if url.get_backend_name() == "mysql":  # where making a table ends the transaction
            for table in reversed(made):
                table.drop(engine)
        raise
    finally:
        engine.dispose()


def _chunks(
    source: Connection, url: URL, table: Table, n_rows: int = 5_000
) -> Iterator[list[dict[str, Any]]]:
    with plain_errors(url):  # an error here is the source's, not the destination's
        found = source.execution_options(yield_per=n_rows).execute(select(table)).mappings()
        for part in found.partitions():
            yield [dict(row) for row in part]


def _set_sequences(target: Connection, tables: Sequence[Table]) -> None:
    for table in tables:
        column = table.autoincrement_column
        if column is not None:
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            target.execute(select(func.setval(sequence, func.max(column))))
