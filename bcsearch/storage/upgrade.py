"""Bringing a database up to the installed Optuna and bcsearch. Imports optuna, sqlalchemy."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optuna.storages._rdb.storage import _VersionManager
from sqlalchemy import inspect
from sqlalchemy.orm import scoped_session, sessionmaker

from bcsearch.storage.engine import OPTUNA_TABLES, prepare_database
from bcsearch.storage.schema import is_older, known_schemas, schema_of
from bcsearch.storage.tables import METADATA
from bcsearch.storage.urls import checked
from bcsearch.storage.used import used_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL, Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """What was done to a database: its schema before and now, the tables that were added to it."""

    before: str
    now: str
    added: tuple[str, ...]


def upgrade_database(url: str) -> Upgrade:
    """Bring Optuna's tables to the schema of the installed Optuna and add the tables that are missing, ours too.

    No worker may run meanwhile, and it cannot be undone: back the database up before.

    Raises:
        StudyError: there is no database, or it is empty.
        StorageError: the database cannot be used, is not Optuna's, or comes from a newer Optuna.
    """
    address = checked(url)
    now = known_schemas()[0]
    with used_database(address) as engine:
        before = schema_of(engine)
        there = set(inspect(engine).get_table_names())
        if is_older(before):
            _migrate(engine, address)
        prepare_database(address)
    added = sorted({*OPTUNA_TABLES, *METADATA.tables} - there)
    return Upgrade(before=before or now, now=now, added=tuple(added))


def _migrate(engine: Engine, url: URL) -> None:
    plain = url.render_as_string(hide_password=False)
    with _unlogged(), warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", FutureWarning
        )  # of the old distributions, which are replaced
        _VersionManager(plain, engine, scoped_session(sessionmaker(bind=engine))).upgrade()


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep Optuna's migrations from setting up the logging of the whole process, as they do where there is none."""
    root, silent = logging.getLogger(), logging.NullHandler()
    root.addHandler(silent)
    try:
        yield
    finally:
        root.removeHandler(silent)
