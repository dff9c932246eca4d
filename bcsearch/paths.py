"""Places on disk: where outputs and the cache lie, room left, files that are never half-written."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp
from typing import TYPE_CHECKING

from bcsearch.errors import DiskError

if TYPE_CHECKING:
    from collections.abc import Iterator

RESULTS_DIR = Path("results")


def cache_dir() -> Path:
    """Return the folder of the prefix cache: ``BCSEARCH_CACHE``, or ``bcsearch`` in the user's cache folder."""
    chosen = os.environ.get("BCSEARCH_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bcsearch"


def make_writable_dir(path: Path) -> Path:
    """Create ``path`` with its parents and prove that a file can be written there.

    Raises:
        DiskError: the folder cannot be made or written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        handle, probe = mkstemp(dir=path, prefix=".probe-")
        os.close(handle)
        os.unlink(probe)
    except OSError as error:
        raise DiskError(
            f"cannot write to folder {path}: {error.strerror}; choose another or mend its permissions"
        ) from error
    return path


def free_bytes(path: Path) -> int:
    """Return the bytes free on the disk of ``path``, which need not exist yet."""
    place = path.absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a place beside ``path`` to write a file to; rename it to ``path`` only if the block succeeds.

    Raises:
        DiskError: the disk is full or the folder cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        draft.replace(path)
    except OSError as error:
        raise DiskError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
