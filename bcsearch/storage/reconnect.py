"""Database calls that are repeated until a database that went away is back.

A server that restarts ends every connection, also in the middle of a transaction: a call may or may
not have been done. So only calls that can be done twice are repeated: they write the same rows
again, or compare before they set.
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
    """The times at which a database was away, as seen by one process; all its users share one.

    Attributes:
        seconds: how long calls wait in all; after that they fail at once until one succeeds.
        stop_asked: ends waits early.
        last_failure: when a call failed last, by the monotonic clock.
    """

    seconds: float
    stop_asked: Callable[[], bool] = bool  # which returns False
    last_failure: float = field(default=-inf, init=False)
    _since: float | None = field(default=None, init=False)

    def call(self, work: Callable[[], Result]) -> Result:
        """Return what ``work`` returns; it is repeated while the database is away."""
        wait = 0.1
        for tries in count(1):
            try:
                result = work()
            except (StorageInternalError, SQLAlchemyError, StorageError) as error:
                if not self._repeats(error, tries, wait):
                    raise
            else:
                self._since = None
                return result
            time.sleep(wait * random.uniform(0.5, 1.5))
            wait = min(2 * wait, 10.0)
        raise AssertionError("the loop returns or raises")

    def note_failure(self) -> None:
        """Note that the database did not answer just now."""
        self.last_failure = time.monotonic()

    def _repeats(self, error: BaseException, tries: int, wait: float) -> bool:
        if is_conflict(error) and tries < 20:
            return True
        if not is_lost(error):
            return False
        self.note_failure()
        if self._since is None:
            self._since = self.last_failure
            if self.seconds:
                message = first_line(error.__cause__ or error)
                logger.warning("the database does not answer, trying again: %s", message)
        return not self.stop_asked() and self.last_failure + wait <= self._since + self.seconds


def reconnecting(call: Call) -> Call:
    """Repeat a method while the database is away, by the ``outage`` of its object.

    Also for functions whose first argument is a storage, or a URL, with which they are called once.
    """

    @wraps(call)
    def called(owner: Any, *args: Any, **kwargs: Any) -> Any:
        outage: Outage | None = getattr(owner, "outage", None)
        if outage is None:
            return call(owner, *args, **kwargs)
        return outage.call(lambda: call(owner, *args, **kwargs))

    return called  # type: ignore[return-value] # wraps keeps the signature
