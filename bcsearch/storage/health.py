"""Facts of a database by which its health is judged: kind, schema, tables, clock. Imports sqlalchemy, optuna."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from bcsearch.storage.engine import database_now
from bcsearch.storage.read import connected
from bcsearch.storage.schema import known_schemas, schema_of
from bcsearch.storage.tables import METADATA
from bcsearch.storage.urls import checked, masked, sqlite_path

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseHealth:
    """One database.

    Attributes:
        kind: ``sqlite``, ``postgresql`` or ``mysql``.
        place: its URL without the password.
        path: the file of SQLite; None for a server.
        journal: how SQLite writes, such as ``wal``; None for a server.
        schema: the revision of Optuna's tables; None where none is noted.
        schema_here: the revision that the installed Optuna works with.
        missing: the tables of bcsearch that are not there.
        clock_ahead: seconds that this machine's clock is ahead of the database's; negative where it is behind.
    """

    kind: str
    place: str
    path: Path | None
    journal: str | None
    schema: str | None
    schema_here: str | None
    missing: tuple[str, ...]
    clock_ahead: float

    @property
    def fits(self) -> bool:
        """Whether the installed Optuna can use the tables."""
        return self.schema in (None, self.schema_here)


def read_database(source: str) -> DatabaseHealth:
    """Look at the database of a URL; nothing is created or changed.

    Raises:
        StudyError: there is no such SQLite file.
        StorageError: the database cannot be used.
    """
    url = checked(source)
    with connected(source) as connection:
        tables = set(inspect(connection).get_table_names())
        return DatabaseHealth(
            kind=url.get_backend_name(),
            place=masked(str(url.set(drivername=url.get_backend_name()))),
            path=sqlite_path(url),
            journal=_journal(connection),
            schema=schema_of(connection.engine),
            schema_here=known_schemas()[0],
            missing=tuple(sorted(set(METADATA.tables) - tables)),
            clock_ahead=_clock_ahead(connection),
        )


def _journal(connection: Connection) -> str | None:
    if connection.dialect.name != "sqlite":
        return None
    return str(connection.execute(text("PRAGMA journal_mode")).scalar_one())


def _clock_ahead(connection: Connection) -> float:
    """Compare the clocks in a transaction of its own: a server's time stands still in one."""
    connection.rollback()
    with Session(connection) as session:
        theirs = database_now(session)
    return (datetime.now(UTC).replace(tzinfo=None) - theirs).total_seconds()
