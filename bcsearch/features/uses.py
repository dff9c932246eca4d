"""Which processes have an entry open: one locked file for each use."""

from __future__ import annotations

import os
from itertools import count
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_NUMBERS = count()


def mark_use(uses: Path) -> Callable[[], None]:
    """Mark the folder's entry as open in this process; return what ends that.

    Raises:
        OSError: the folder cannot be written.
    """
    uses.mkdir(parents=True, exist_ok=True)
    path = uses / f"{os.getpid()}-{next(_NUMBERS)}.lock"
    lock = FileLock(path, thread_local=False)
    lock.acquire()

    def end() -> None:
        lock.release()
        path.unlink(missing_ok=True)

    return end


def in_use(uses: Path) -> bool:
    """Tell whether a living process has the folder's entry open; sweep the marks of the dead."""
    if not uses.is_dir():
        return False
    for path in uses.iterdir():
        try:
            with FileLock(path, blocking=False):
                pass
        except Timeout:
            return True
        path.unlink(missing_ok=True)
    return False
