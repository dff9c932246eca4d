"""Engines: their settings, their clock, transactions, and whose tables a database holds.

Imports sqlalchemy, optuna.

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
from math import inf
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from optuna.exceptions import StorageInternalError
from sqlalchemy import create_engine, func, inspect, select, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from bcsearch.errors import BcsearchError, DiskError, StorageError
from bcsearch.storage.optuna_tables import OPTUNAS
from bcsearch.storage.schema import SCHEMA, is_older, known_schemas, schema_of
from bcsearch.storage.tables import METADATA
from bcsearch.storage.trouble import trouble_of
from bcsearch.storage.urls import masked, sqlite_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Inspector, Update
    from sqlalchemy.engine import URL, Engine

BUSY_SECONDS = 60
CONNECT_SECONDS = 10
SILENCE_SECONDS = 120  # of a server in the middle of a statement, after which it counts as gone
SILENCE: dict[str, dict[str, Any]] = {
    "postgresql": {
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "tcp_user_timeout": 1000 * SILENCE_SECONDS,
    },
    "mysql": {"read_timeout": SILENCE_SECONDS, "write_timeout": SILENCE_SECONDS},
}
OPTUNA_TABLES = OPTUNAS.tables
UTC_SESSION = {"postgresql": "SET TIME ZONE 'UTC'", "mysql": "SET time_zone = '+00:00'"}
UPTIME = {
    "postgresql": "SELECT extract(epoch FROM now() - pg_postmaster_start_time())",
    "mysql": "SHOW GLOBAL STATUS LIKE 'Uptime'",  # a name and the seconds
}
OLDER = (
    "stop its workers, keep it with 'bcsearch storage backup' and run 'bcsearch storage upgrade'"
)
NEWER = "pip install --upgrade optuna"


def engine_options(url: URL) -> dict[str, Any]:
    """Return the arguments of ``create_engine`` for a database that many workers share."""
    kind = url.get_backend_name()
    if kind == "sqlite":
        return {
            "connect_args": {"timeout": BUSY_SECONDS},
            "pool_events": [(_prepare_sqlite, "connect")],
        }
    prepare = {"postgresql": _prepare_postgresql, "mysql": _prepare_mysql}[kind]
    return {
        "connect_args": {"connect_timeout": CONNECT_SECONDS, **SILENCE[kind]},
        "isolation_level": "READ COMMITTED",  # MySQL's own choice locks the gaps between rows, and workers meet there
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
    place = f"file:{quote(str(path.absolute()))}?mode=rw"
    return create_engine(
        url, creator=lambda: sqlite3.connect(place, uri=True, timeout=BUSY_SECONDS)
    )


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """Yield a session that commits at the end of the block.

    Trouble with the database is Optuna's storage error.
    """
    try:
        with Session(engine) as session, session.begin():
            yield session
    except IntegrityError:
        raise
    except SQLAlchemyError as error:
        raise StorageInternalError(
            f"the database did not do what was asked: {first_line(error)}"
        ) from error


def changes_one(session: Session, statement: Update) -> bool:
    """Execute an UPDATE of at most one row and tell whether it found the row."""
    return session.connection().execute(statement).rowcount == 1


def database_now(session: Session) -> datetime:
    """Return the time by the clock of the database, naive UTC: workers' own clocks may differ."""
    now: datetime | None = session.execute(select(func.now())).scalar_one()
    if now is None:
        raise StorageInternalError("the database did not tell its time")
    return now.replace(tzinfo=None)


def uptime_seconds(session: Session) -> float:
    """Return how long ago the server of the database was started; for ever, where it is a file."""
    statement = UPTIME.get(session.get_bind().dialect.name)
    return inf if statement is None else float(session.execute(text(statement)).one()[-1])


def stale_before(session: Session, grace_seconds: float) -> datetime:
    """Return the time that a sign of life must not be older than.

    The microsecond makes the comparison strict on SQLite, whose clock writes whole seconds as a
    text that sorts before the same second written with a fraction.
    """
    return database_now(session) - timedelta(seconds=grace_seconds, microseconds=1)


def prepare_database(url: URL) -> None:
    """Make the missing tables, Optuna's and ours, unless the database is somebody else's.

    Raises:
        StorageError: not a database, out of reach, holds other tables, or another version of
            Optuna's.
        DiskError: the folder of a SQLite file is missing or cannot be written.
    """
    _check_folder(url)
    engine = create_engine(url, **engine_options(url))
    try:
        with plain_errors(url):
            if not holds_optuna(engine, url):
                OPTUNAS.create_all(engine)
            METADATA.create_all(engine)
            _use_wal(engine)
    finally:
        engine.dispose()


def holds_optuna(engine: Engine, url: URL) -> bool:
    """Whether all of Optuna's tables are there.

    False in a database that is empty or still being prepared.

    Raises:
        StorageError: the database holds other tables, or those of another Optuna.
    """
    inspector = inspect(engine)
    names = set(inspector.get_table_names())
    _check_revision(engine, url)
    if names >= set(OPTUNA_TABLES):
        return True
    foreign = sorted(name for name in names if not _is_known(inspector, name))
    if foreign:
        raise StorageError(
            f"database {masked(str(url))} is not Optuna's: it holds {', '.join(foreign[:3])}; choose an empty database"
        )
    return False


@contextmanager
def plain_errors(url: URL, afterwards: str = "") -> Iterator[None]:
    """Turn what the database says into one line, with what to do ``afterwards`` where it may come back."""
    try:
        yield
    except BcsearchError:
        raise
    except (SQLAlchemyError, StorageInternalError) as error:
        said = first_line(
            error.__cause__
            if isinstance(error, StorageInternalError) and error.__cause__
            else error
        )
        trouble = trouble_of(said)
        remedy = f"{trouble.remedy}{afterwards if trouble.comes_back else ''}"
        raise trouble.kind(f"cannot use database {masked(str(url))}: {said}; {remedy}") from error


def first_line(error: BaseException) -> str:
    """Return what the driver said, without the statement that SQLAlchemy adds."""
    driver = getattr(error, "orig", None) or error
    match driver.args:
        case (int(), str(said)):  # as MySQL's drivers have it
            pass
        case _:
            said = str(driver)
    lines = said.strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _check_folder(url: URL) -> None:
    path = sqlite_path(url)
    if path is None:
        return
    folder = path.parent
    if not folder.is_dir():
        raise DiskError(
            f"no folder {folder} for database {path}; make it or choose another --storage"
        )
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise DiskError(
            f"cannot write database {path}; mend its permissions or choose another --storage"
        )


def _check_revision(engine: Engine, url: URL) -> None:
    found, here = schema_of(engine), known_schemas()[0]
    if found in (None, here):
        return
    remedy = OLDER if is_older(found) else NEWER
    raise StorageError(
        f"database {masked(str(url))} has schema {found!r} of another Optuna, {here!r} is needed; {remedy}, or choose "
        "another database"
    )


def _is_known(inspector: Inspector, name: str) -> bool:
    if name == SCHEMA.name or name in METADATA.tables:
        return True
    if name not in OPTUNA_TABLES:
        return False
    return {column["name"] for column in inspector.get_columns(name)} >= set(
        OPTUNA_TABLES[name].columns.keys()
    )


def _use_wal(engine: Engine) -> None:
    if engine.name == "sqlite":
        with engine.connect() as connection:
            connection.execute(text("PRAGMA journal_mode = WAL"))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous = NORMAL").close()


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    _set_session(connection, UTC_SESSION["postgresql"])


def _prepare_mysql(connection: Any, _record: Any) -> None:
    _set_session(connection, UTC_SESSION["mysql"])


def _set_session(connection: Any, statement: str) -> None:
    cursor = connection.cursor()
    cursor.execute(statement)
    cursor.close()
    connection.commit()
