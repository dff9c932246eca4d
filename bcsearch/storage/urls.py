"""Which database is meant: options, environment and default to a URL that can be used.

Imports sqlalchemy.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from bcsearch.config import RunOptions, find_files, read_toml, sweep_of
from bcsearch.errors import StorageError

DATABASE_NAME = "bcsearch.db"
ALLOWED = (
    "sqlite:///results/bcsearch.db, postgresql://user@host/database, mysql://user@host/database"
)
DRIVERS = {
    "sqlite": "pysqlite",
    "postgresql": "psycopg",
    "mysql": "pymysql",
}  # taken when the URL names none
MEANT = {"postgres": "postgresql", "mariadb": "mysql"}
EXTRAS = {"postgresql": "bcsearch[postgres]", "mysql": "bcsearch[mysql]"}
SECRET_QUERY = re.compile(r"(?i)([?&][^=&]*(?:password|passwd|secret|token)[^=&]*=)[^&]*")
OWN_DRIVER = re.compile(rf"\+(?:{'|'.join(DRIVERS.values())})(?=://)")
SECRET_USERINFO = re.compile(r"((?:^|://)[^:@/]*):(?!//).*@")


def resolve_url(given: str | None, results_dir: Path) -> str:
    """Return ``given``, else ``BCSEARCH_STORAGE``, else a SQLite file in ``results_dir``, as a checked URL.

    A bare path that ends in ``.db`` means a SQLite file.

    Raises:
        StorageError: the URL makes no sense, or its driver is not installed.
    """
    came = given or os.environ.get("BCSEARCH_STORAGE") or str(results_dir / DATABASE_NAME)
    return checked(came).render_as_string(hide_password=False)


def checked(came: str) -> URL:
    """Parse a URL, or the bare path of a ``.db`` file, and prove that its driver is there.

    Raises:
        StorageError: the URL makes no sense, or its driver is not installed.
    """
    url = _parsed(came)
    kind = url.get_backend_name()
    if kind not in DRIVERS:
        meant = f"write {MEANT[kind]}://; " if kind in MEANT else ""
        raise StorageError(
            f"storage URL {masked(came)!r} has scheme {kind!r}; {meant}allowed: {ALLOWED}"
        )
    if url.database in (None, "", ":memory:"):
        raise StorageError(
            f"storage URL {masked(came)!r} names no database that workers can share; allowed: {ALLOWED}"
        )
    if "+" not in url.drivername:
        url = url.set(drivername=f"{kind}+{DRIVERS[kind]}")
    _check_driver(url, kind)
    return url


def masked(url: str) -> str:
    """Return ``url`` as a user types it, without its password, for messages.

    Works for text that is no URL too.
    """
    return OWN_DRIVER.sub("", SECRET_QUERY.sub(r"\1***", SECRET_USERINFO.sub(r"\1:***@", url)))


def sqlite_path(url: URL) -> Path | None:
    """Return the file of a SQLite database; None for a database on a server."""
    if url.get_backend_name() != "sqlite":
        return None
    return Path(url.database or "")


def reachable(url: str) -> str:
    """Return a URL that means the same from any folder of this machine."""
    address = checked(url)
    path = sqlite_path(address)
    whole = address if path is None else address.set(database=str(path.absolute()))
    return whole.render_as_string(hide_password=False)


def _parsed(came: str) -> URL:
    if "://" not in came:
        if not came.endswith(".db"):
            raise StorageError(
                f"storage {masked(came)!r} is neither a URL nor a .db file; allowed: {ALLOWED}"
            )
        return URL.create("sqlite", database=str(Path(came).expanduser()))
    try:
        url = make_url(came)
    except (ArgumentError, ValueError) as error:
        raise StorageError(
            f"storage URL {masked(came)!r} cannot be read; allowed: {ALLOWED}"
        ) from error
    if "@" in (
        url.host or ""
    ):  # a driver would complain of a host that is named after the end of a password
        remedy = f"write one in a password as %40; allowed: {ALLOWED}"
        raise StorageError(f"storage URL {masked(came)!r} has two @; {remedy}")
    return url


def _check_driver(url: URL, kind: str) -> None:
    try:
        url.get_dialect().import_dbapi()
    except NoSuchModuleError as error:
        raise StorageError(
            f"storage URL names an unknown driver {url.drivername!r}; allowed: {ALLOWED}"
        ) from error
    except ImportError as error:
        need = f"pip install '{EXTRAS[kind]}'" if kind in EXTRAS else f"use {kind}://"
        raise StorageError(
            f"storage {url.drivername!r} needs a driver that is not installed; {need}"
        ) from error


def database_of(options: RunOptions, study: str = "", of_sweep: str | None = None) -> str:
    """Return the database: ``--storage``, else ``BCSEARCH_STORAGE``, else the sweep's, else a file in results.

    ``study`` names a study, whose sweep's file is looked into where there is one; ``of_sweep`` is
    what a sweep names.

    Raises:
        ConfigError: the sweep's file is no TOML; what else is wrong in it does not matter.
        StorageError: the URL makes no sense.
    """
    if study and not options.named_storage:
        file = find_files("sweeps", options.sweeps_dir).get(sweep_of(study))
        named = None if file is None else read_toml(file).get("storage")
        of_sweep = named if isinstance(named, str) else None
    return resolve_url(options.named_storage or of_sweep, options.results_dir)
