"""Calls to a database that is away, made again until it is back.

A server that restarts ends every connection, even during a transaction: the call may or may not
have been done. So only calls that can be done twice are made again: they write the same rows, or
compare before they set.
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
from sqlalchemy.exc import SQLAlchemyError

from bcsearch.errors import StorageError
from bcsearch.storage.database_errors import first_line, is_conflict, is_lost

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
Call = TypeVar("Call", bound="Callable[..., Any]")


@dataclass(kw_only=True, eq=False)
class Outage:
    """What a process knows of the times at which its database is away.

    Attributes:
        seconds: the longest that all calls together wait; after that, calls fail at once until one
            gets through.
        stop_asked: ends waits early when it returns True.
        last: when a call failed last, by the monotonic clock.
    """

    seconds: float
    stop_asked: Callable[[], bool] = bool  # returns False
    last: float = field(default=-inf, init=False)
    _since: float | None = field(default=None, init=False)

    def call(self, work: Callable[[], Result], *, max_conflicts: int = 20) -> Result:
        """Return what ``work`` returns; it is called again while the database is away.

        Waits begin at 0.1 seconds, double up to 10 seconds, and vary by half.
        """
        wait = 0.1
        for attempt in count(1):
            try:
                result = work()
            except (StorageInternalError, SQLAlchemyError, StorageError) as error:
                may_pass = is_conflict(error) and attempt < max_conflicts
                if not may_pass and not (is_lost(error) and self._may_wait(error, wait)):
                    raise
            else:
                self._since = None
                return result
            time.sleep(wait * random.uniform(0.5, 1.5))
            wait = min(2 * wait, 10.0)
        raise AssertionError("the loop returns or raises")

    def note_failure(self) -> None:
        """Note that the database did not answer just now."""
        self.last = time.monotonic()

    def _may_wait(self, error: BaseException, wait: float) -> bool:
        self.note_failure()
        if self._since is None:
            self._since = self.last
            if self.seconds:
                message = first_line(error.__cause__ or error)
                logger.warning("the database does not answer, trying again: %s", message)
        return not self.stop_asked() and self.last + wait <= self._since + self.seconds


def retried(call: Call) -> Call:
    """Let a method of an object with an ``outage``, or a function of one, wait for its database.

    Functions that may be given a URL instead are then called once.
    """

    @wraps(call)
    def called(owner: Any, *args: Any, **kwargs: Any) -> Any:
        outage: Outage | None = getattr(owner, "outage", None)
        if outage is None:
            return call(owner, *args, **kwargs)
        return outage.call(lambda: call(owner, *args, **kwargs))

    return called  # type: ignore[return-value] # wraps keeps the signature
