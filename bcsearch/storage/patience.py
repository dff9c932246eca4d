"""Calls to a database that went away, made again until it is back. Imports sqlalchemy, optuna.

A server that restarts ends every connection, be it amid a transaction: what was asked may or may not be done. So only
what can be done twice is called again: all that is here writes the same rows again, or compares before it sets.
"""

from __future__ import annotations

import logging
import random
import time
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, PendingRollbackError, SQLAlchemyError

from bcsearch.storage.engine import first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

logger = logging.getLogger(__name__)

Call = TypeVar("Call", bound="Callable[..., Any]")
Class = TypeVar("Class", bound=type)
FIRST_WAIT, LONGEST_WAIT = 0.1, 10.0  # seconds; each wait is twice the one before, and is varied by half


def patient(call: Call) -> Call:
    """Make a method, or a function of a storage, wait for a lost database as long as ``reconnect_seconds`` says."""

    @wraps(call)
    def called(owner: Any, *args: Any, **kwargs: Any) -> Any:
        deadline = time.monotonic() + getattr(owner, "reconnect_seconds", 0.0)
        wait = FIRST_WAIT
        while True:
            try:
                return call(owner, *args, **kwargs)
            except (StorageInternalError, SQLAlchemyError) as error:
                if not is_lost(error) or time.monotonic() + wait > deadline:
                    raise
                if wait == FIRST_WAIT:
                    logger.warning("the database went away, trying again: %s", first_line(error.__cause__ or error))
            time.sleep(wait * random.uniform(0.5, 1.5))
            wait = min(2 * wait, LONGEST_WAIT)

    return called  # type: ignore[return-value] # wraps keeps the signature


def all_patient(names: Iterable[str]) -> Callable[[Class], Class]:
    """Make methods of a class patient, those that it inherits too."""

    def decorate(owner: Class) -> Class:
        for name in names:
            setattr(owner, name, patient(getattr(owner, name)))
        return owner

    return decorate


def is_lost(error: BaseException) -> bool:
    """Whether an error says that the database could not be reached or used for a while, not that a call was wrong."""
    cause = error.__cause__ if isinstance(error, StorageInternalError) else error
    if isinstance(cause, PendingRollbackError):  # the statement after the one that met the loss, in the same session
        return True
    if not isinstance(cause, DBAPIError):
        return False
    if "sqlite" in type(cause.orig).__module__:
        return "locked" in str(cause.orig)
    return bool(cause.connection_invalidated) or isinstance(cause, OperationalError | InterfaceError)
