"""Calls to a database that went away, made again until it is back. Imports sqlalchemy, optuna.

A server that restarts ends every connection, be it amid a transaction: what was asked may or may
not be done. So only what can be done twice is called again: it writes the same rows again, or
compares before it sets.
"""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass, field
from functools import wraps
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
    SQLAlchemyError,
)

from bcsearch.errors import StorageError
from bcsearch.storage.engine import first_line
from bcsearch.storage.trouble import trouble_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
Call = TypeVar("Call", bound="Callable[..., Any]")
Class = TypeVar("Class", bound=type)
FIRST_WAIT, LONGEST_WAIT = (
    0.1,
    10.0,
)  # seconds; each wait is twice the one before, and is varied by half
MOST_CONFLICTS = 20  # tries, after which a call that meets others each time is an error
CONFLICTS = (
    "40001",
    "40P01",
)  # PostgreSQL's codes of what cannot be done at once with something else, of a deadlock
MYSQL_CONFLICTS = (1205, 1213)  # a lock that was waited for too long, a deadlock


def nobody_asks() -> bool:
    """Let waits go on."""
    return False


@dataclass(kw_only=True, eq=False)
class Outage:
    """What a process knows of the times at which its database is away.

    All that use one database share it.

    ``seconds`` is the longest that calls wait, together: once that is over, calls fail at once
    until one gets through. ``stop_asked`` ends waits early.
    """

    seconds: float
    stop_asked: Callable[[], bool] = nobody_asks
    last: float = field(default=-inf, init=False)  # when a call failed last, by the monotonic clock
    _since: float | None = field(default=None, init=False)

    def call(self, work: Callable[[], Result]) -> Result:
        """Return what ``work`` returns, called again while the database is away."""
        wait = FIRST_WAIT
        for tries in count(1):
            try:
                result = work()
            except (StorageInternalError, SQLAlchemyError, StorageError) as error:
                met_another = is_conflict(error) and tries < MOST_CONFLICTS
                if not (met_another or (is_lost(error) and self._goes_on(error, wait))):
                    raise
            else:
                self._since = None
                return result
            time.sleep(wait * random.uniform(0.5, 1.5))
            wait = min(2 * wait, LONGEST_WAIT)
        raise AssertionError("the loop returns or raises")

    def met(self) -> None:
        """Note that the database did not answer just now."""
        self.last = time.monotonic()

    def _goes_on(self, error: BaseException, wait: float) -> bool:
        self.met()
        if self._since is None:
            self._since = self.last
            if self.seconds:
                logger.warning(
                    "the database does not answer, trying again: %s",
                    first_line(error.__cause__ or error),
                )
        return not self.stop_asked() and self.last + wait <= self._since + self.seconds


def patient(call: Call) -> Call:
    """Make a method of a storage, or of what has its ``outage``, or a function of one, wait for a lost database."""

    @wraps(call)
    def called(owner: Any, *args: Any, **kwargs: Any) -> Any:
        outage: Outage | None = getattr(owner, "outage", None)
        if outage is None:  # a function may be given a URL
            return call(owner, *args, **kwargs)
        return outage.call(lambda: call(owner, *args, **kwargs))

    return called  # type: ignore[return-value] # wraps keeps the signature


def all_patient(names: Iterable[str]) -> Callable[[Class], Class]:
    """Make methods of a class patient, those that it inherits too."""

    def decorate(owner: Class) -> Class:
        for name in names:
            setattr(owner, name, patient(getattr(owner, name)))
        return owner

    return decorate


def is_conflict(error: BaseException) -> bool:
    """Whether a server has ended a call since it and another one waited for each other: again, it may get through."""
    cause = _cause(error)
    if not isinstance(cause, DBAPIError) or cause.orig is None:
        return False
    return (
        getattr(cause.orig, "sqlstate", None) in CONFLICTS
        or (*cause.orig.args, None)[0] in MYSQL_CONFLICTS
    )


def is_lost(error: BaseException) -> bool:
    """Whether an error says that the database could not be reached or used for a while, not that a call was wrong."""
    cause = _cause(error)
    if isinstance(
        cause, PendingRollbackError
    ):  # the statement after the one that met the loss, in the same session
        return True
    if not isinstance(cause, DBAPIError):
        return False
    if "sqlite" in type(cause.orig).__module__:
        return "locked" in str(cause.orig)
    if not trouble_of(str(cause.orig)).waits:  # a server that answers, but refuses
        return False
    return bool(cause.connection_invalidated) or isinstance(
        cause, OperationalError | InterfaceError
    )


def _cause(error: BaseException) -> BaseException | None:
    """Return what the database said, without what Optuna and we wrapped it in."""
    cause = error.__cause__ if isinstance(error, StorageInternalError | StorageError) else error
    return cause.__cause__ if isinstance(cause, StorageInternalError) else cause
