"""Places on disk: where outputs and the cache lie, room left, locks, files never half-written."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from tempfile import mkstemp
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from bcsearch.errors import DiskError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RESULTS_DIR = Path("results")
LOCK_SECONDS = 0.5  # between looks at whether waiting for a lock should end


def cache_dir() -> Path:
    """Return the folder of the prefix cache: ``BCSEARCH_CACHE``, or one in the user's cache."""
    chosen = os.environ.get("BCSEARCH_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bcsearch"


def make_writable_dir(path: Path, options: str = "") -> Path:
    """Create ``path`` with its parents and prove that a file can be written there.

    ``options`` name another.

    Raises:
        DiskError: the folder cannot be made or written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        handle, probe = mkstemp(dir=path, prefix=".probe-")
        os.close(handle)
        os.unlink(probe)
    except OSError as error:
        another = f"choose another with {options}" if options else "choose another"
        raise DiskError(
            f"cannot write to folder {path}: {error.strerror}; {another} or fix its permissions"
        ) from error
    return path


def free_bytes(path: Path) -> int:
    """Return the bytes free on the disk of ``path``, which need not exist yet.

    Raises:
        DiskError: a folder on the way may not be read.
    """
    place = path.absolute()
    try:
        while not place.exists():
            place = place.parent
        return shutil.disk_usage(place).free
    except OSError as error:
        raise DiskError(
            f"cannot look into folder {place}: {error.strerror}; choose another"
        ) from error


@contextmanager
def locked(path: Path, check: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file ``path``.

    While another process has it, call ``check``, which may raise to end the wait.
    """
    lock = FileLock(path)
    while not lock.is_locked:
        try:
            lock.acquire(timeout=LOCK_SECONDS)
        except Timeout:
            check()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a place beside ``path`` to write a file to.

    Rename it to ``path`` only if the block succeeds.

    Raises:
        DiskError: the disk is full or the folder cannot be written.
    """
    draft = _draft_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        draft.replace(path)
    except OSError as error:
        raise DiskError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


@contextmanager
def creating(path: Path) -> Iterator[Path]:
    """Yield an empty file beside ``path`` to write to.

    It gets that name only if the block succeeds.

    Raises:
        DiskError: ``path`` is there already, before the block or after it, or cannot be written.
    """
    draft = _draft_of(path)
    try:
        _refuse_taken(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.touch()
        yield draft
        _name(draft, path)
    except OSError as error:
        raise DiskError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _draft_of(path: Path) -> Path:
    # not by the process id, which is equal in containers
    return path.with_name(f".{path.name}.{token_hex(4)}{path.suffix}")


def _name(draft: Path, path: Path) -> None:
    """Give a file its name, never over another file's."""
    try:
        os.link(draft, path)  # a rename would replace what is there
    except OSError:  # taken meanwhile, or a disk without links
        _refuse_taken(path)
        draft.rename(path)


def _refuse_taken(path: Path) -> None:
    if os.path.lexists(path):
        raise DiskError(f"{path} is there already and is not overwritten; choose another place")
