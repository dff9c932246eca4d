"""Versions of Optuna's tables: which one a database has, which ones the installed Optuna knows.

Imports optuna.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic.script import ScriptDirectory
from optuna.storages._rdb import models
from sqlalchemy import Column, MetaData, String, Table, inspect, select

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

SCHEMA = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))


def known_schemas() -> list[str]:
    """Return the versions that the installed Optuna knows.

    The first is its own, the others are older.
    """
    scripts = ScriptDirectory(str(Path(models.__file__).with_name("alembic")))
    return [script.revision for script in scripts.walk_revisions()]


def schema_of(engine: Engine) -> str | None:
    """Return the version of a database; None where it was not written yet."""
    if not inspect(engine).has_table(SCHEMA.name):
        return None
    with engine.connect() as connection:
        return connection.execute(select(SCHEMA.c.version_num)).scalars().first()


def is_older(schema: str | None) -> bool:
    """Whether the installed Optuna can bring this version up to its own."""
    return schema in known_schemas()[1:]
