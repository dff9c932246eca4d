from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import optuna
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from bcsearch.errors import StorageError, StudyError
from bcsearch.storage.health import read_database

if TYPE_CHECKING:
    from pathlib import Path

    from bcsearch.storage import Storage


@pytest.mark.usefixtures("storage")
def test_sound_database_is_told_by_kind_schema_tables_and_clock(url: str) -> None:
    found = read_database(url)
    assert found.kind == make_url(url).get_backend_name()
    assert found.fits
    assert found.schema_here
    assert found.missing == ()
    assert abs(found.clock_ahead) < 3
    assert (found.path is None, found.journal) == (
        (False, "wal") if found.kind == "sqlite" else (True, None)
    )


def test_schema_of_another_optuna_is_told(url: str, storage: Storage) -> None:
    with storage.engine.begin() as connection:
        before = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        connection.execute(text("UPDATE alembic_version SET version_num = 'v9.9.9'"))
    found = read_database(url)
    with storage.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": before})
    assert (found.fits, found.schema, found.schema_here) == (False, "v9.9.9", before)


def test_database_of_plain_optuna_lacks_our_tables_and_its_journal_is_told(tmp_path: Path) -> None:
    optuna.storages.RDBStorage(f"sqlite:///{tmp_path / 'plain.db'}").engine.dispose()
    found = read_database(str(tmp_path / "plain.db"))
    assert found.missing == ("bcsearch_ledger", "bcsearch_slots")
    assert (found.journal, found.fits) == ("delete", True)


def test_password_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = f"sqlite:///{tmp_path / 'a.db'}"
    sqlite3.connect(tmp_path / "a.db").close()
    monkeypatch.setattr(
        "bcsearch.storage.health.connected", lambda _: create_engine(file).connect()
    )
    assert read_database("postgresql://me:secret@host/a").place == "postgresql://me:***@host/a"


def test_nothing_is_created_where_there_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no study was ever run here"):
        read_database(str(tmp_path / "none.db"))
    assert list(tmp_path.iterdir()) == []


def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("hello, I am no database at all\n" * 99)
    with pytest.raises(StorageError, match="not a database"):
        read_database(str(tmp_path / "text.db"))
