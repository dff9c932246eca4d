"""What an error of a database means: one line for the user, and whether another try may work."""

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

from bcsearch.errors import BcsearchError, DiskError, StorageError
from bcsearch.storage.urls import masked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a database cannot be used.

    Attributes:
        pattern: what the driver's message holds, in lower case.
        remedy: what the user can do.
        error: the exception to raise.
        may_pass: whether another try may work.
        is_outage: whether a server is away, which will come back.
    """

    pattern: str
    remedy: str
    error: type[BcsearchError] = StorageError
    may_pass: bool = False
    is_outage: bool = False


_CAUSES = (  # of messages of SQLite, PostgreSQL and MySQL; the first that matches counts
    Cause(
        pattern="unable to open database file|readonly database",
        remedy="check that you may read and write the file; SQLite writes beside a file even to "
        "read it: copy it to a folder of your own and name the copy with --storage",
        error=DiskError,
    ),
    Cause(pattern="disk is full|no space left", remedy="free some space", error=DiskError),
    Cause(
        pattern="image is malformed",
        remedy="the file is damaged: name a backup of it with --storage",
        error=DiskError,
    ),
    Cause(
        pattern="certificate",
        remedy="check the certificates that the storage URL names",
    ),
    Cause(
        pattern="disk i/o error",
        remedy="check whether its disk is full or broken",
        error=DiskError,
    ),
    Cause(  # MySQL's message, also where there is no such database
        pattern="access denied for user .* to database",
        remedy="check the name of the database in the storage URL, and the rights of its user",
    ),
    Cause(
        pattern="authentication failed|no password supplied|access denied|permission denied"
        '|role ".*" does not exist|no pg_hba.conf entry|not allowed to connect',
        remedy="check user, password and rights, and the storage URL",
    ),
    Cause(
        pattern='database ".*" does not exist|unknown database',
        remedy="create it on the server, or check its name in the storage URL",
    ),
    Cause(
        pattern="connection refused|can't connect|resolve host|name or service not known"
        "|timeout expired|no such file|closed the connection|lost connection|gone away"
        "|terminating connection|starting up|shutting down",
        remedy="check that its server runs, and host and port in the storage URL",
        may_pass=True,
        is_outage=True,
    ),
    Cause(pattern="", remedy="check the storage URL", may_pass=True),
)


def cause_of(message: str) -> Cause:
    """Return the cause that a driver's message stands for; the last row stands for all others."""
    return next(cause for cause in _CAUSES if re.search(cause.pattern, message.lower()))


@contextmanager
def plain_errors(url: URL, afterwards: str = "") -> Iterator[None]:
    """Turn an error of the database into one line.

    ``afterwards`` says what to do once a server is back, and is added where it is away.
    """
    try:
        yield
    except BcsearchError:
        raise
    except (SQLAlchemyError, StorageInternalError) as error:
        message = first_line(driver_error(error) or error)
        cause = cause_of(message)
        remedy = cause.remedy
        if cause.is_outage:
            remedy += afterwards
        line = f"cannot use database {masked(str(url))}: {message}; {remedy}"
        raise cause.error(line) from error


def first_line(error: BaseException) -> str:
    """Return the driver's message, without the statement that SQLAlchemy adds."""
    driver = getattr(error, "orig", None) or error
    match driver.args:
        case (int(), str(message)):  # MySQL's drivers give a number and a text
            pass
        case _:
            message = str(driver)
    first, *_ = [*message.strip().splitlines(), type(error).__name__]
    return first


def is_conflict(error: BaseException) -> bool:
    """Whether a server ended a call because of a deadlock or a lock that was held too long."""
    cause = driver_error(error)
    if not isinstance(cause, DBAPIError) or cause.orig is None:
        return False
    code = getattr(cause.orig, "sqlstate", None)  # of PostgreSQL
    if code is None and cause.orig.args:
        code = cause.orig.args[0]  # of MySQL
    return code in ("40001", "40P01", 1205, 1213)


def is_lost(error: BaseException) -> bool:
    """Whether the database could not be used for a while, rather than the call being wrong."""
    cause = driver_error(error)
    if isinstance(cause, PendingRollbackError):  # the session lost its connection before
        return True
    if not isinstance(cause, DBAPIError):
        return False
    if "sqlite" in type(cause.orig).__module__:
        return "locked" in str(cause.orig)
    if not cause_of(str(cause.orig)).may_pass:
        return False
    return cause.connection_invalidated or isinstance(cause, OperationalError | InterfaceError)


def driver_error(error: BaseException) -> BaseException | None:
    """Return the error of the database inside those of Optuna and bcsearch."""
    cause: BaseException | None = error
    while isinstance(cause, StorageError | StorageInternalError):
        cause = cause.__cause__
    return cause
