"""Databases of studies: opened where they exist, with their tables made, checked and upgraded."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, inspect, text

from bcsearch.errors import DiskError, StorageError, StudyError
from bcsearch.storage.database_errors import plain_errors, sound_rows
from bcsearch.storage.engine import engine_options, reading_engine
from bcsearch.storage.optuna_private import (
    OPTUNA_TABLES,
    SCHEMA,
    is_older,
    known_schemas,
    migrate,
    schema_of,
)
from bcsearch.storage.tables import METADATA
from bcsearch.storage.urls import checked, masked, sqlite_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Inspector
    from sqlalchemy.engine import URL, Engine

RUN_FIRST = "start one with 'bcsearch run --study NAME'"


@contextmanager
def existing_database(url: URL, *, with_studies: bool = False) -> Iterator[Engine]:
    """Yield an engine on a database that holds tables; ``with_studies``, that holds Optuna's.

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
            with sound_rows(url):
                is_filled = bool(inspect(engine).get_table_names())
                if is_filled and with_studies:
                    is_filled = holds_optuna(engine, url)
            if not is_filled:
                place = masked(str(url))
                raise StudyError(
                    f"no study was ever run here: database {place} is empty; {RUN_FIRST}"
                )
            yield engine
    finally:
        engine.dispose()


def prepare_database(url: URL) -> None:
    """Make the missing tables, Optuna's and ours, unless others use the database.

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
                OPTUNA_TABLES.create_all(engine)
            METADATA.create_all(engine)
            if engine.name == "sqlite":
                with engine.connect() as connection:
                    connection.execute(text("PRAGMA journal_mode = WAL"))
    finally:
        engine.dispose()


def holds_optuna(engine: Engine, url: URL) -> bool:
    """Whether all of Optuna's tables exist.

    False in a database that is empty or still being prepared.

    Raises:
        StorageError: the database holds other tables, or those of another Optuna.
    """
    inspector = inspect(engine)
    names = set(inspector.get_table_names())
    _check_schema(engine, url)
    if names >= set(OPTUNA_TABLES.tables):
        return True
    foreign = sorted(name for name in names if not _is_known(inspector, name))
    if foreign:
        held = ", ".join(foreign[:3])
        raise StorageError(
            f"database {masked(str(url))} is not Optuna's: it holds {held}; "
            "choose an empty database"
        )
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """A database's schema before and after an upgrade, and the tables that were added."""

    before: str
    now: str
    added: tuple[str, ...]


def upgrade_database(url: str) -> Upgrade:
    """Upgrade Optuna's tables to the installed Optuna and add missing tables, ours too.

    No worker may run meanwhile, and it cannot be undone: make a backup before.

    Raises:
        StudyError: there is no database, or it is empty.
        StorageError: the database cannot be used, is not Optuna's, or comes from a newer Optuna.
    """
    address = checked(url)
    now = known_schemas()[0]
    with existing_database(address) as engine:
        before = schema_of(engine)
        there = set(inspect(engine).get_table_names())
        if is_older(before):
            migrate(engine, address)
        prepare_database(address)
    added = sorted({*OPTUNA_TABLES.tables, *METADATA.tables} - there)
    return Upgrade(before=before or now, now=now, added=tuple(added))


def _check_folder(url: URL) -> None:
    path = sqlite_path(url)
    if path is None:
        return
    folder = path.parent
    if not os.path.isdir(folder):
        raise DiskError(
            f"no folder {folder} for database {path}; make it or choose another --storage"
        )
    written = path
    if not os.path.exists(path):
        written = folder
    if not os.access(written, os.W_OK):
        raise DiskError(
            f"cannot write database {path}; fix its permissions or choose another --storage"
        )


def _check_schema(engine: Engine, url: URL) -> None:
    found, needed = schema_of(engine), known_schemas()[0]
    if found in (None, needed):
        return
    remedy = "pip install --upgrade optuna"
    if is_older(found):
        remedy = (
            "stop its workers, keep it with 'bcsearch storage backup' and run "
            "'bcsearch storage upgrade'"
        )
    raise StorageError(
        f"database {masked(str(url))} has schema {found!r} of another Optuna, {needed!r} is "
        f"needed; {remedy}, or choose another database"
    )


def _is_known(inspector: Inspector, name: str) -> bool:
    if name == SCHEMA.name or name in METADATA.tables:
        return True
    table = OPTUNA_TABLES.tables.get(name)
    if table is None:
        return False
    found = {column["name"] for column in inspector.get_columns(name)}
    return found >= set(table.columns.keys())
