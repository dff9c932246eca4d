"""Which database is meant: options, environment and default to a URL that can be used."""

from __future__ import annotations

import os
import re
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from bcsearch.config import RunOptions, find_files, read_toml, sweep_of
from bcsearch.errors import StorageError

_ALLOWED = (
    "sqlite:///results/bcsearch.db, postgresql://user@host/database, mysql://user@host/database"
)
_DRIVERS = {
    "sqlite": "pysqlite",
    "postgresql": "psycopg",
    "mysql": "pymysql",
}  # unless one is named


def resolve_url(given: str | None, results_dir: Path) -> str:
    """Return the checked URL of the database, with its password.

    It is ``given``, else ``BCSEARCH_STORAGE``, else a SQLite file in ``results_dir``. A bare path
    that ends in ``.db`` means a SQLite file.

    Raises:
        StorageError: the URL makes no sense, or its driver is not installed.
    """
    url = given or os.environ.get("BCSEARCH_STORAGE") or str(results_dir / "bcsearch.db")
    return checked(url).render_as_string(hide_password=False)


def checked(text: str) -> URL:
    """Parse a URL, or the bare path of a ``.db`` file, and check that its driver is installed.

    Raises:
        StorageError: the URL makes no sense, or its driver is not installed.
    """
    url = _parsed(text)
    kind = url.get_backend_name()
    if kind not in _DRIVERS:
        meant = {"postgres": "write postgresql://; ", "mariadb": "write mysql://; "}.get(kind, "")
        raise _refusal(text, f"has scheme {kind!r}; {meant}")
    if url.database in (None, "", ":memory:"):
        raise _refusal(text, "names no database that workers can share; ")
    if "+" not in url.drivername:
        url = url.set(drivername=f"{kind}+{_DRIVERS[kind]}")
    try:
        url.get_dialect().import_dbapi()
    except NoSuchModuleError as error:
        raise _refusal(text, f"names the unknown driver {url.drivername!r}; ") from error
    except ImportError as error:
        extras = {"postgresql+psycopg": "postgres", "mysql+pymysql": "mysql"}
        remedy = f"use {kind}://"
        if url.drivername in extras:
            remedy = f"pip install 'bcsearch[{extras[url.drivername]}]'"
        raise StorageError(
            f"storage {url.drivername!r} needs a driver that is not installed; {remedy}"
        ) from error
    return url


def masked(url: str) -> str:
    """Return ``url`` as a user types it, without its password, for messages.

    Works for text that is no URL too.
    """
    text = re.sub(r"((?:^|://)[^:@/]*):(?!//).*@", r"\1:***@", url)
    secret = r"(?i)([?&][^=&]*(?:password|passwd|secret|token)[^=&]*=)[^&]*"
    text = re.sub(secret, r"\1***", text)
    return re.sub(rf"\+(?:{'|'.join(_DRIVERS.values())})(?=://)", "", text)


def sqlite_path(url: URL) -> Path | None:
    """Return the file of a SQLite database; None for a database on a server."""
    if url.get_backend_name() != "sqlite":
        return None
    return Path(url.database or "")


def reachable(url: str) -> str:
    """Return a URL that means the same from any folder of this machine."""
    address = checked(url)
    path = sqlite_path(address)
    if path is not None:
        address = address.set(database=str(path.absolute()))
    return address.render_as_string(hide_password=False)


def database_of(options: RunOptions, study: str = "", of_sweep: str | None = None) -> str:
    """Return the URL of the database that a command uses.

    It is ``--storage``, else ``BCSEARCH_STORAGE``, else the sweep's, else a file in results.

    Args:
        options: the options of the command.
        study: a study; the file of its sweep is read if there is one.
        of_sweep: what a sweep names, if it was read already.

    Raises:
        ConfigError: the sweep's file is no TOML; what else is wrong in it does not matter.
        StorageError: the URL makes no sense.
    """
    if study and not options.named_storage:
        of_sweep = None
        file = find_files("sweeps", options.sweeps_dir).get(sweep_of(study))
        if file is not None and isinstance(named := read_toml(file).get("storage"), str):
            of_sweep = named
    return resolve_url(options.named_storage or of_sweep, options.results_dir)


def _parsed(text: str) -> URL:
    if "://" not in text:
        if not text.endswith(".db"):
            raise _refusal(text, "is neither a URL nor a .db file; ")
        return URL.create("sqlite", database=str(Path(text).expanduser()))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise _refusal(text, "cannot be read; ") from error
    if "@" in (url.host or ""):  # the password was cut there, and its end would be shown as a host
        raise _refusal(text, "has two @; write one in a password as %40; ")
    return url


def _refusal(text: str, reason: str) -> StorageError:
    return StorageError(f"storage URL {masked(text)!r} {reason}allowed: {_ALLOWED}")
