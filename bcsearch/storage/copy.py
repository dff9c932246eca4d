"""Every row of a database into an empty one, ids kept, while workers go on.

Imports sqlalchemy, optuna.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import MetaData, create_engine, func, insert, inspect, select

from bcsearch.errors import StorageError
from bcsearch.paths import creating
from bcsearch.storage.engine import OPTUNA_TABLES, engine_options, holds_optuna, plain_errors
from bcsearch.storage.optuna_tables import OPTUNAS
from bcsearch.storage.schema import SCHEMA, is_older, schema_of
from bcsearch.storage.tables import METADATA
from bcsearch.storage.urls import checked, masked, sqlite_path
from bcsearch.storage.used import is_empty, used_database

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Table
    from sqlalchemy.engine import URL, Engine

CHUNK = 5_000  # rows in memory at a time
TABLES = (
    *OPTUNAS.sorted_tables,
    *METADATA.sorted_tables,
    SCHEMA,
)  # what is referred to comes first


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """How much a copy holds."""

    n_studies: int
    n_trials: int


def copy_database(source: str, destination: str) -> Copied:
    """Copy all studies, with slots and ledger, as they are at one moment; all of it or nothing.

    Raises:
        StudyError: there is nothing to copy.
        StorageError: the destination is not empty, or one of both cannot be used.
        DiskError: the destination is a file that is there already or cannot be written.
    """
    url, to = checked(source), checked(destination)
    with used_database(url) as engine:
        if not holds_optuna(engine, url):
            raise is_empty(url)
        path = sqlite_path(to)
        if path is None:
            return copy_tables(engine, TABLES, to)
        with creating(path) as draft:
            return copy_tables(engine, TABLES, to.set(database=str(draft)))


def tables_in(engine: Engine) -> Sequence[Table]:
    """Return the tables that a database of any schema holds of Optuna's and ours.

    Those of others are left out.
    """
    if not is_older(schema_of(engine)):
        return TABLES
    known = {*OPTUNA_TABLES, *METADATA.tables, SCHEMA.name}
    found = MetaData()
    found.reflect(engine, only=lambda name, _: name in known)
    for table in found.sorted_tables:
        for column in table.columns:
            column.type, column.server_default = column.type.as_generic(), None
    return found.sorted_tables


def copy_tables(engine: Engine, tables: Sequence[Table], to: URL) -> Copied:
    """Make ``tables`` in an empty database and fill them with the rows of ``engine``."""
    counts: dict[str, int] = {}
    made: list[Table] = []
    with _snapshot(engine) as source, _filling(to, made) as target:
        there = set(inspect(source).get_table_names())  # plain Optuna makes none of ours
        for table in tables:
            table.create(target)
            made.append(table)
            counts[table.name] = 0
            for rows in _chunks(source, engine.url, table) if table.name in there else ():
                target.execute(insert(table), rows)
                counts[table.name] += len(rows)
        if target.dialect.name == "postgresql":
            _set_sequences(target, tables)
    return Copied(n_studies=counts["studies"], n_trials=counts["trials"])


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Connection]:
    """Yield a connection whose every read tells of the same moment."""
    with engine.connect() as connection:
        if engine.name == "sqlite":
            connection.exec_driver_sql("BEGIN")  # pysqlite begins none for reading
        else:
            connection.execution_options(isolation_level="REPEATABLE READ")
        if engine.name == "mysql":  # which takes it at the first row that is read, else
            connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        yield connection


@contextmanager
def _filling(url: URL, made: Sequence[Table]) -> Iterator[Connection]:
    """Yield a connection to an empty database, which is empty again if the block fails: ``made`` are its new tables."""
    engine = create_engine(url, **engine_options(url))
    try:
        with plain_errors(url):
            _check_empty(engine)
            with _emptied_again(engine, made), engine.begin() as connection:
                yield connection
    finally:
        engine.dispose()


def _check_empty(engine: Engine) -> None:
    names = sorted(inspect(engine).get_table_names())
    if names:
        held = ", ".join(names[:3])
        raise StorageError(
            f"database {masked(str(engine.url))} is not empty: it holds {held}; choose an empty one"
        )


@contextmanager
def _emptied_again(engine: Engine, made: Sequence[Table]) -> Iterator[None]:
    """Undo what MySQL does not: there, making a table ends the transaction."""
    try:
        yield
    except BaseException:
        if engine.name == "mysql":
            for table in reversed(made):
                table.drop(engine)
        raise


def _chunks(source: Connection, url: URL, table: Table) -> Iterator[list[dict[str, Any]]]:
    with plain_errors(url):  # else the trouble of the source would be put down to the destination
        found = source.execution_options(yield_per=CHUNK).execute(select(table)).mappings()
        for part in found.partitions():
            yield [dict(row) for row in part]


def _set_sequences(target: Connection, tables: Sequence[Table]) -> None:
    for table in tables:
        column = table.autoincrement_column
        if column is not None:
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            target.execute(select(func.setval(sequence, func.max(column))))
