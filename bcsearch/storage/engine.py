"""Engines on databases that many workers share: their settings, transactions and clocks.

SQLite runs in WAL mode, so readers never wait, and waits up to a minute for the one writer. With
``synchronous = NORMAL`` a killed process loses nothing; a power cut may take the last moments,
never the file. Servers get small pools that notice a lost connection, and sessions in UTC, so that
heartbeats of all machines compare.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from optuna.exceptions import StorageInternalError
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from bcsearch.errors import StorageError
from bcsearch.storage.database_errors import first_line
from bcsearch.storage.urls import connect_arguments, masked, sqlite_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Update
    from sqlalchemy.engine import URL, Engine

BUSY_SECONDS = 60  # that SQLite waits for another writer
SILENCE_SECONDS = 120  # of a server in the middle of a statement, after which it counts as gone


def engine_options(url: URL) -> dict[str, Any]:
    """Return the arguments of ``create_engine`` for a database that many workers share."""
    kind = url.get_backend_name()
    if kind == "sqlite":
        prepare = partial(_execute, "PRAGMA synchronous = NORMAL")
        return {"connect_args": {"timeout": BUSY_SECONDS}, "pool_events": [(prepare, "connect")]}
    if kind == "postgresql":
        prepare = partial(_execute, "SET TIME ZONE 'UTC'")
        limits = {
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "tcp_user_timeout": 1000 * SILENCE_SECONDS,
        }
    else:
        prepare = partial(_execute, "SET time_zone = '+00:00'")
        limits = {"read_timeout": SILENCE_SECONDS, "write_timeout": SILENCE_SECONDS}
    return {
        "creator": partial(_connect, url, {"connect_timeout": 10, **limits}),
        # MySQL's default locks the gaps between rows, where workers would wait for each other
        "isolation_level": "READ COMMITTED",
        "pool_events": [(prepare, "connect")],
        "pool_pre_ping": True,
        "pool_size": 2,  # the trial and its heartbeat
        "max_overflow": 4,
    }


def reading_engine(url: URL) -> Engine:
    """Return an engine that never creates a SQLite file."""
    path = sqlite_path(url)
    if path is None:
        return create_engine(url, **engine_options(url))
    # mode=rw, not ro: a read-only connection leaves the -wal and -shm files behind when it closes
    place = f"file:{quote(os.fsencode(path.absolute()))}?mode=rw"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(place, uri=True, timeout=BUSY_SECONDS)

    return create_engine(url, creator=connect)


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """Yield a session that commits at the end of the block.

    Raises:
        IntegrityError: a row is there already.
        StorageInternalError: any other error of the database, as Optuna's storages raise it.
    """
    try:
        with Session(engine) as session, session.begin():
            yield session
    except IntegrityError:
        raise
    except SQLAlchemyError as error:
        raise StorageInternalError(f"the database call failed: {first_line(error)}") from error


def changes_one(session: Session, statement: Update) -> bool:
    """Execute an UPDATE of at most one row and return whether it found the row."""
    return session.connection().execute(statement).rowcount == 1


def database_now(session: Session) -> datetime:
    """Return the time by the clock of the database, naive UTC: workers' own clocks may differ."""
    now: datetime | None = session.execute(select(func.now())).scalar_one()
    if now is None:
        raise StorageInternalError("the database returned no time")
    return now.replace(tzinfo=None)


def uptime_seconds(session: Session) -> float:
    """Return how long the server of the database has run; infinite for a SQLite file."""
    statements = {
        "postgresql": "SELECT extract(epoch FROM now() - pg_postmaster_start_time())",
        "mysql": "SHOW GLOBAL STATUS LIKE 'Uptime'",  # a row of a name and the seconds
    }
    kind = session.get_bind().dialect.name
    if kind not in statements:
        return inf
    row = session.execute(text(statements[kind])).one()
    return float(row[-1])


def stale_before(session: Session, grace_seconds: float) -> datetime:
    """Return the time that a heartbeat of a living worker is not older than.

    The microsecond makes the comparison strict on SQLite, whose clock writes whole seconds as a
    text that sorts before the same second written with a fraction.
    """
    return database_now(session) - timedelta(seconds=grace_seconds, microseconds=1)


def _connect(url: URL, limits: dict[str, int]) -> Any:
    """Connect to a server. Raises StorageError where its driver does not take what the URL says."""
    module, positional, named = connect_arguments(url)
    try:
        return module.connect(*positional, **named | limits)
    except module.Error:
        raise
    except (TypeError, ValueError, LookupError, AttributeError, OSError) as error:
        raise StorageError(
            f"storage URL {masked(str(url))!r} cannot be used: {type(error).__name__}: "
            f"{first_line(error)}; check what follows the ? in it"
        ) from error


def _execute(statement: str, connection: Any, _record: Any) -> None:
    """Execute a statement on a new connection of a driver."""
    cursor = connection.cursor()
    cursor.execute(statement)
    cursor.close()
    connection.commit()
