"""Bringing a database up to the installed Optuna and bcsearch."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import inspect

from bcsearch.storage.engine import existing_database, prepare_database
from bcsearch.storage.optuna_private import OPTUNA_METADATA, known_schemas, migrate, schema_of
from bcsearch.storage.tables import METADATA
from bcsearch.storage.urls import checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """The schema of a database before and now, and the tables that were added to it."""

    before: str
    now: str
    added: tuple[str, ...]


def upgrade_database(url: str) -> Upgrade:
    """Bring Optuna's tables to the schema of the installed Optuna and add missing tables.

    No worker may run meanwhile, and it cannot be undone: back the database up before.

    Raises:
        StudyError: there is no database, or it is empty.
        StorageError: the database cannot be used, is not Optuna's, or comes from a newer Optuna.
    """
    address = checked(url)
    now, *older = known_schemas()
    with existing_database(address) as engine:
        before = schema_of(engine)
        tables = set(inspect(engine).get_table_names())
        if before in older:
            migrate(engine, address)
        prepare_database(address)
    added = sorted({*OPTUNA_METADATA.tables, *METADATA.tables} - tables)
    return Upgrade(before=before or now, now=now, added=tuple(added))
