"""Which database is meant: options, environment and default to a URL that can be used."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SAWarning

from bcsearch.config import RunOptions, find_files, read_toml, sweep_of
from bcsearch.errors import StorageError

ALLOWED = (
    "sqlite:///results/bcsearch.db, postgresql://user@host/database, mysql://user@host/database"
)
# the driver that is used when the URL names none, and what to do if it is not installed
DRIVERS = {
    "sqlite": ("pysqlite", "use sqlite://"),
    "postgresql": ("psycopg", "pip install 'bcsearch[postgres]'"),
    "mysql": ("pymysql", "pip install 'bcsearch[mysql]'"),
}


def database_of(options: RunOptions, study: str = "", of_sweep: str | None = None) -> str:
    """Return the URL of the database that is meant.

    It is ``--storage``, else ``BCSEARCH_STORAGE``, else that of the sweep, else a file in results.
    ``study`` names a study, whose sweep's file is read where there is one; ``of_sweep`` is what a
    sweep names.

    Raises:
        ConfigError: the sweep's file is no TOML; what else is wrong in it does not matter.
        StorageError: the URL makes no sense.
    """
    if study and not options.named_storage:
        file = find_files("sweeps", options.sweeps_dir).get(sweep_of(study))
        of_sweep = None
        if file is not None:
            named = read_toml(file).get("storage")
            if isinstance(named, str):
                of_sweep = named
    return resolve_url(options.named_storage or of_sweep, options.results_dir)


def resolve_url(given: str | None, results_dir: Path) -> str:
    """Return ``given``, else ``BCSEARCH_STORAGE``, else a SQLite file in ``results_dir``.

    It is a checked URL. A bare path that ends in ``.db`` means a SQLite file.

    Raises:
        StorageError: the URL makes no sense, or its driver is not installed.
    """
    came = given or os.environ.get("BCSEARCH_STORAGE") or str(results_dir / "bcsearch.db")
    return checked(came).render_as_string(hide_password=False)


def checked(came: str) -> URL:
    """Parse a URL, or the bare path of a ``.db`` file, and import its driver.

    Raises:
        StorageError: the URL makes no sense, or its driver is not installed.
    """
    url = _parsed(came)
    kind = url.get_backend_name()
    if kind not in DRIVERS:
        similar = {"postgres": "postgresql", "mariadb": "mysql"}
        remedy = f"allowed: {ALLOWED}"
        if kind in similar:
            remedy = f"write {similar[kind]}://; {remedy}"
        raise StorageError(f"storage URL {masked(came)!r} has scheme {kind!r}; {remedy}")
    if url.database in (None, "", ":memory:"):
        raise StorageError(
            f"storage URL {masked(came)!r} names no database that workers can share; "
            f"allowed: {ALLOWED}"
        )
    driver, remedy = DRIVERS[kind]
    if "+" not in url.drivername:
        url = url.set(drivername=f"{kind}+{driver}")
    try:
        connect_arguments(url)
    except NoSuchModuleError as error:
        raise StorageError(
            f"storage URL names an unknown driver {url.drivername!r}; allowed: {ALLOWED}"
        ) from error
    except ImportError as error:
        raise StorageError(
            f"storage {url.drivername!r} needs a driver that is not installed; {remedy}"
        ) from error
    except (ArgumentError, ValueError, TypeError, SAWarning) as error:
        raise StorageError(
            f"storage URL {masked(came)!r} cannot be used: {masked(str(error))}; allowed: {ALLOWED}"
        ) from error
    return url


def connect_arguments(url: URL) -> tuple[Any, Any, Any]:
    """Return the module of a URL's driver, and the arguments of its ``connect`` that it says.

    Raises:
        ImportError: the driver is not installed.
        ArgumentError, ValueError, TypeError, SAWarning: what follows the ``?`` makes no sense.
    """
    kind: Any = url.get_dialect()
    if kind.is_async:
        raise ValueError("its driver is for asynchronous programs")
    module = kind.import_dbapi()
    with warnings.catch_warnings():
        warnings.simplefilter("error", SAWarning)
        positional, named = kind(dbapi=module).create_connect_args(url)
    return module, positional, named


def masked(url: str) -> str:
    """Return ``url`` as a user types it, without its password, for messages.

    Works for text that is no URL too.
    """
    url = re.sub(r"((?:^|://)[^:@/]*):(?!//).*@", r"\1:***@", url)
    secret = r"(?i)([?&][^=&]*(?:password|passwd|secret|token)[^=&]*=)[^&]*"
    url = re.sub(secret, r"\1***", url)
    drivers = "|".join(driver for driver, _ in DRIVERS.values())
    return re.sub(rf"\+(?:{drivers})(?=://)", "", url)


def sqlite_path(url: URL) -> Path | None:
    """Return the file of a SQLite database; None for a database on a server."""
    if url.get_backend_name() != "sqlite":
        return None
    return Path(url.database or "")


def file_id(url: URL) -> tuple[int, int] | None:
    """Return device and number of a SQLite file; None where there is none, or on a server."""
    path = sqlite_path(url)
    if path is None:
        return None
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def reachable(url: str) -> str:
    """Return a URL that means the same from any folder of this machine."""
    address = checked(url)
    path = sqlite_path(address)
    if path is not None:
        address = address.set(database=str(path.absolute()))
    return address.render_as_string(hide_password=False)


def _parsed(came: str) -> URL:
    if "\0" in came or came != came.encode("utf-8", "replace").decode():
        raise StorageError(
            f"storage {masked(came)!r} is not UTF-8 text; name another with --storage or --results"
        )
    if "://" not in came:
        if not came.endswith(".db"):
            raise StorageError(
                f"storage {masked(came)!r} is neither a URL nor a .db file; allowed: {ALLOWED}"
            )
        return URL.create("sqlite", database=os.path.expanduser(came))
    try:
        url = make_url(came)
    except (ArgumentError, ValueError) as error:
        raise StorageError(
            f"storage URL {masked(came)!r} cannot be read; allowed: {ALLOWED}"
        ) from error
    if "@" in (url.host or ""):  # the host would be the end of the password
        raise StorageError(
            f"storage URL {masked(came)!r} has two @; write one in a password as %40; "
            f"allowed: {ALLOWED}"
        )
    return url
