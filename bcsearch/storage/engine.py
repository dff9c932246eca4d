"""Engines: their settings, their clock, transactions, and the tables that a database holds.

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
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from optuna.exceptions import StorageInternalError
from sqlalchemy import create_engine, func, inspect, select, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from bcsearch.errors import DiskError, StorageError, StudyError
from bcsearch.storage.database_errors import first_line, plain_errors
from bcsearch.storage.optuna_private import OPTUNA_METADATA, SCHEMA, known_schemas, schema_of
from bcsearch.storage.tables import METADATA
from bcsearch.storage.urls import masked, sqlite_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Inspector, Update
    from sqlalchemy.engine import URL, Engine

BUSY_SECONDS = 60
RUN_FIRST = "start one with 'bcsearch run --study NAME'"


class _Server(NamedTuple):
    """How to talk to one kind of server, which counts as gone after two minutes of silence."""

    connect_args: dict[str, Any]
    use_utc: str
    uptime: str  # the seconds are the last column


_SERVERS = {
    "postgresql": _Server(
        connect_args={
            "connect_timeout": 10,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "tcp_user_timeout": 120_000,
        },
        use_utc="SET TIME ZONE 'UTC'",
        uptime="SELECT extract(epoch FROM now() - pg_postmaster_start_time())",
    ),
    "mysql": _Server(
        connect_args={"connect_timeout": 10, "read_timeout": 120, "write_timeout": 120},
        use_utc="SET time_zone = '+00:00'",
        uptime="SHOW GLOBAL STATUS LIKE 'Uptime'",
    ),
}


def engine_options(url: URL) -> dict[str, Any]:
    """Return the arguments of ``create_engine`` for a database that many workers share."""
    server = _SERVERS.get(url.get_backend_name())
    if server is None:
        return {
            "connect_args": {"timeout": BUSY_SECONDS},
            "pool_events": [(partial(_on_connect, "PRAGMA synchronous = NORMAL"), "connect")],
        }
    return {
        "connect_args": dict(server.connect_args),
        # MySQL's own level locks the gaps between rows, and workers would wait for each other
        "isolation_level": "READ COMMITTED",
        "pool_events": [(partial(_on_connect, server.use_utc), "connect")],
        "pool_pre_ping": True,
        "pool_size": 2,  # the trial and its heartbeat
        "max_overflow": 4,
    }


@contextmanager
def existing_database(url: URL, *, of_optuna: bool = False) -> Iterator[Engine]:
    """Yield an engine on a database that holds tables, or all of Optuna's; never create one.

    Raises:
        StudyError: there is no database, or it is empty.
        StorageError: it cannot be used, now or in the block.
    """
    path = sqlite_path(url)
    if path is not None and not os.path.exists(path):
        raise StudyError(f"no study was ever run here: there is no database {path}; {RUN_FIRST}")
    engine = _reading_engine(url)
    try:
        with plain_errors(url):
            has_tables = bool(inspect(engine).get_table_names())
            if not has_tables or (of_optuna and not holds_optuna(engine)):
                place = masked(str(url))
                raise StudyError(
                    f"no study was ever run here: database {place} is empty; {RUN_FIRST}"
                )
            yield engine
    finally:
        engine.dispose()


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """Yield a session that commits at the end of the block.

    Raises:
        StorageInternalError: the database did not do what the block asked for.
        IntegrityError: a row is already there.
    """
    try:
        with Session(engine) as session, session.begin():
            yield session
    except IntegrityError:
        raise
    except SQLAlchemyError as error:
        raise StorageInternalError(f"a statement failed: {first_line(error)}") from error


def changes_one(session: Session, statement: Update) -> bool:
    """Execute an UPDATE of at most one row; return whether it found the row."""
    return session.connection().execute(statement).rowcount == 1


def database_now(session: Session) -> datetime:
    """Return the time by the clock of the database, naive UTC: workers' own clocks may differ."""
    now: datetime | None = session.execute(select(func.now())).scalar_one()
    if now is None:
        raise StorageInternalError("the database gave no time")
    return now.replace(tzinfo=None)


def uptime_seconds(session: Session) -> float:
    """Return how long ago the server of the database was started; infinite for a file."""
    server = _SERVERS.get(session.get_bind().dialect.name)
    if server is None:
        return inf
    return float(session.execute(text(server.uptime)).one()[-1])


def stale_before(session: Session, grace_seconds: float) -> datetime:
    """Return the time that a heartbeat must not be older than.

    The microsecond makes the comparison strict on SQLite, whose clock writes whole seconds as a
    text that sorts before the same second written with a fraction.
    """
    return database_now(session) - timedelta(seconds=grace_seconds, microseconds=1)


def prepare_database(url: URL) -> None:
    """Make the missing tables, Optuna's and ours, unless the database belongs to something else.

    Raises:
        StorageError: not a database, out of reach, holds other tables, or of another Optuna.
        DiskError: the folder of a SQLite file is missing or cannot be written.
    """
    _check_folder(url)
    engine = create_engine(url, **engine_options(url))
    try:
        with plain_errors(url):
            if not holds_optuna(engine):
                OPTUNA_METADATA.create_all(engine)
            METADATA.create_all(engine)
            if engine.name == "sqlite":
                with engine.connect() as connection:
                    connection.execute(text("PRAGMA journal_mode = WAL"))
    finally:
        engine.dispose()


def holds_optuna(engine: Engine) -> bool:
    """Whether all of Optuna's tables are there; False if it is empty or still being prepared.

    Raises:
        StorageError: the database holds other tables, or those of another Optuna.
    """
    _check_schema(engine)
    inspector = inspect(engine)
    names = set(inspector.get_table_names())
    if names >= set(OPTUNA_METADATA.tables):
        return True
    foreign = sorted(name for name in names if not _is_known(inspector, name))
    if foreign:
        held = ", ".join(foreign[:3])
        raise StorageError(
            f"database {masked(str(engine.url))} is not Optuna's: it holds {held}; "
            "choose an empty database"
        )
    return False


def _reading_engine(url: URL) -> Engine:
    """Return an engine that never creates a SQLite file."""
    path = sqlite_path(url)
    if path is None:
        return create_engine(url, **engine_options(url))
    # mode=rw, not ro: a read-only connection leaves the -wal and -shm files behind when it closes
    place = f"file:{quote(str(path.absolute()))}?mode=rw"
    connect = partial(sqlite3.connect, place, uri=True, timeout=BUSY_SECONDS)
    return create_engine(url, creator=connect)


def _check_folder(url: URL) -> None:
    path = sqlite_path(url)
    if path is None:
        return
    if not path.parent.is_dir():
        raise DiskError(
            f"no folder {path.parent} for database {path}; make it or choose another --storage"
        )
    written = path
    if not path.exists():
        written = path.parent
    if not os.access(written, os.W_OK):
        raise DiskError(
            f"cannot write database {path}; fix its permissions or choose another --storage"
        )


def _check_schema(engine: Engine) -> None:
    found = schema_of(engine)
    needed, *older = known_schemas()
    if found in (None, needed):
        return
    remedy = "pip install --upgrade optuna"
    if found in older:
        remedy = (
            "stop its workers, back it up with 'bcsearch storage backup' and run "
            "'bcsearch storage upgrade'"
        )
    raise StorageError(
        f"database {masked(str(engine.url))} has schema {found!r} of another Optuna, {needed!r} "
        f"is needed; {remedy}, or choose another database"
    )


def _is_known(inspector: Inspector, name: str) -> bool:
    if name == SCHEMA.name or name in METADATA.tables:
        return True
    table = OPTUNA_METADATA.tables.get(name)
    if table is None:
        return False
    columns = {column["name"] for column in inspector.get_columns(name)}
    return columns >= set(table.columns.keys())


def _on_connect(statement: str, connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(statement)
    cursor.close()
    connection.commit()
