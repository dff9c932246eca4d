"""Errors of databases: their kind, whether it helps to wait, and one line that says what to do."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
    SQLAlchemyError,
)

from bcsearch.errors import BcsearchError, DiskError, StorageError, StudyError
from bcsearch.storage.urls import masked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorKind:
    """One kind of error, known by a pattern in the message of SQLite, PostgreSQL or MySQL.

    Attributes:
        remedy: what to do.
        error: what is raised.
        retry: whether another try may succeed.
        server_down: whether the server is away, and may come back.
    """

    pattern: str
    remedy: str
    error: type[BcsearchError] = StorageError
    retry: bool = False
    server_down: bool = False


KINDS = (  # the first whose pattern is found counts; the last is any other error
    ErrorKind(
        pattern="unable to open database file|readonly database",
        remedy="check that you may read and write it; SQLite writes beside a file even to read it: "
        "copy it to a folder of your own and name the copy with --storage",
        error=DiskError,
    ),
    ErrorKind(pattern="disk is full|no space left", remedy="free some room", error=DiskError),
    ErrorKind(
        pattern="image is malformed",
        remedy="use a backup of it, with --storage",
        error=DiskError,
    ),
    ErrorKind(
        pattern="certificate",
        remedy="check the certificates that the storage URL names",
    ),
    ErrorKind(
        pattern="disk i/o error",
        remedy="check whether its disk is full or broken",
        error=DiskError,
    ),
    ErrorKind(  # of MySQL, also where there is no such database
        pattern="access denied for user .* to database",
        remedy="check the database's name in the storage URL, and its user's rights",
    ),
    ErrorKind(
        pattern="authentication failed|no password supplied|access denied|permission denied"
        '|role ".*" does not exist|no pg_hba.conf entry|not allowed to connect',
        remedy="check user, password and rights, and the storage URL",
    ),
    ErrorKind(
        pattern='database ".*" does not exist|unknown database',
        remedy="create it on the server, or check its name in the storage URL",
    ),
    ErrorKind(
        pattern="connection refused|can't connect|resolve host|name or service not known"
        "|timeout expired|no such file|closed the connection|lost connection|gone away"
        "|terminating connection|starting up|shutting down",
        remedy="check that its server runs, and host and port in the storage URL",
        retry=True,
        server_down=True,
    ),
    ErrorKind(pattern="", remedy="check the storage URL", retry=True),
)


# what reading a row raises that another program changed, or a broken disk
NO_RECORD = "Record does not exist"  # what Optuna says of a study or trial that was deleted
DATABASE_ERRORS = (SQLAlchemyError, StorageInternalError)
NONSENSE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


def kind_of(message: str) -> ErrorKind:
    """Return the kind of an error by the message of the database."""
    text = message.lower()
    return next(kind for kind in KINDS if re.search(kind.pattern, text))


def first_line(error: BaseException) -> str:
    """Return the first line of the driver's message, without the statement that SQLAlchemy adds."""
    driver = getattr(error, "orig", None) or error
    match driver.args:
        case (int(), str(message)):  # of MySQL's drivers
            pass
        case _:
            message = str(driver)
    for line in message.strip().splitlines():
        return line
    return type(error).__name__


@contextmanager
def plain_errors(url: URL, afterwards: str = "") -> Iterator[None]:
    """Raise errors of the database as one line that says what to do.

    ``afterwards`` is added where the server may come back.
    """
    try:
        yield
    except BcsearchError:
        raise
    except KeyError as error:
        if NO_RECORD not in str(error):
            raise
        raise StudyError(
            "the study was deleted from the database during the run; start anew with 'bcsearch run'"
        ) from error
    except DATABASE_ERRORS as error:
        message = first_line(_database_error(error))
        kind = kind_of(message)
        remedy = kind.remedy
        if kind.server_down:
            remedy += afterwards
        text = f"cannot use database {masked(str(url))}: {message}; {remedy}"
        raise kind.error(text) from error


@contextmanager
def sound_rows(url: URL) -> Iterator[None]:
    """Raise what reading rows that make no sense raises as one line: they were changed or damaged.

    JSON, names of states and times are kept as texts, and SQLite takes any value anywhere.
    """
    try:
        yield
    except NONSENSE as error:
        raise StorageError(
            f"database {masked(str(url))} holds rows that make no sense "
            f"({type(error).__name__}: {first_line(error)}); use a backup of it, with --storage"
        ) from error


def is_conflict(error: BaseException) -> bool:
    """Whether a server ended a call because it and another one waited for each other.

    Another try may succeed.
    """
    cause = _database_error(error)
    if not isinstance(cause, DBAPIError) or cause.orig is None:
        return False
    if getattr(cause.orig, "sqlstate", None) in ("40001", "40P01"):  # PostgreSQL
        return True
    return cause.orig.args[:1] in ((1205,), (1213,))  # MySQL: a lock timed out, a deadlock


def is_lost(error: BaseException) -> bool:
    """Whether the database cannot be used for a while; False where the call itself is wrong."""
    cause = _database_error(error)
    if isinstance(cause, PendingRollbackError):  # the statement before it lost the connection
        return True
    if not isinstance(cause, DBAPIError):
        return False
    if "sqlite" in type(cause.orig).__module__:
        return "locked" in str(cause.orig)
    if not kind_of(str(cause.orig)).retry:
        return False
    return cause.connection_invalidated or isinstance(cause, OperationalError | InterfaceError)


def _database_error(error: BaseException) -> BaseException:
    """Return the error that Optuna's errors and ours were raised from."""
    while isinstance(error, StorageInternalError | StorageError) and error.__cause__ is not None:
        error = error.__cause__
    return error
