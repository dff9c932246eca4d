"""Places on disk: where outputs and the cache lie, room left, locks, files never half-written."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory, mkstemp
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from bcsearch.errors import ConfigError, DataError, DiskError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RESULTS_DIR = Path("results")
MOST_TEXT = 2**20  # bytes of a text that is read whole: a sweep, a description
PROBE = ".probe-"  # begins the name of a file that proves that a folder can be written
LONGEST_NAME = 200  # bytes of a study's name, as disks allow 255 with what is added to it
LOCK_SECONDS = 0.5  # between looks at whether waiting for a lock should end


def cache_dir() -> Path:
    """Return the folder of the prefix cache: ``BCSEARCH_CACHE``, or one in the user's cache."""
    chosen = os.environ.get("BCSEARCH_CACHE")
    if chosen:
        return Path(os.path.expanduser(chosen))
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bcsearch"


def path_text(place: object, what: str = "data") -> str:
    """Return a path as text. Raises DataError where it is none, such as arrays of images."""
    if isinstance(place, str | os.PathLike):
        return os.fsdecode(place)
    raise DataError(
        f"{what}: came a {type(place).__name__}, allowed: a path; save arrays with "
        "numpy.savez(file, data=images, labels=labels) and give that file"
    )


def meant(text: str) -> str:
    """Return the path that is meant by what nothing is called: without quotes and ``file://``.

    ``~`` becomes the user's folder.
    """
    if os.path.exists(text):
        return text
    return os.path.expanduser(text.strip("'\"").removeprefix("file://"))


def make_writable_dir(path: Path, options: str = "") -> Path:
    """Create ``path`` with its parents and prove that a file can be written there.

    ``options`` name another.

    Raises:
        DiskError: the folder cannot be made or written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        handle, probe = mkstemp(dir=path, prefix=PROBE)
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


def check_plain(path: Path) -> int:
    """Return the size of a file that can be read to its end, unlike a pipe or a device.

    Raises:
        OSError: it is missing, a folder, or no plain file.
    """
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device and no plain file: copy it into one")
    return found.st_size


def read_text(path: Path, most: int = MOST_TEXT) -> str:
    """Return the text of a file of at most ``most`` bytes.

    It is UTF-8, after the mark that some editors write before it.

    Raises:
        OSError: it cannot be read, has no end, or is too long.
        ValueError: it is not UTF-8.
    """
    if check_plain(path) > most:
        raise OSError(errno.EFBIG, f"it is longer than {most // 2**20} MiB")
    content = path.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError("it is UTF-16; save it as UTF-8")
    return content.decode("utf-8-sig")


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
    """Yield a place to write a file to, which becomes ``path`` only if the block succeeds.

    A link stays, and the file that it leads to is replaced. What is no plain file, such as a device
    or a pipe, stays too, and what was written is appended to it.

    Raises:
        DiskError: the disk is full or the folder cannot be written.
    """
    if is_stream(path):
        with _appending(path) as draft:
            yield draft
        return
    target = Path(os.path.realpath(path))
    draft = _draft_of(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        draft.replace(target)
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


def is_stream(path: Path) -> bool:
    """Whether a path leads to a device, a pipe or a stream of this process: no plain file."""
    absolute = Path(os.path.abspath(path))  # with its links: /dev/stdout may lead to a plain file
    if absolute.parts[1:2] in (("dev",), ("proc",)) and not absolute.is_relative_to("/dev/shm"):
        return os.path.exists(absolute)  # false where the path itself is refused, as are these
    return os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path))


def refuse_others(path: Path, mark: str, what: str) -> None:
    """Refuse to write over a file that is no ``what`` of ours, which has ``mark`` in its beginning.

    Raises:
        DiskError: there is one, or a folder.
    """
    if is_stream(path) or not os.path.exists(path):
        return
    try:
        with path.open("rb") as file:
            ours = mark.encode() in file.read(256)
    except OSError:
        ours = False
    if not ours:
        raise DiskError(
            f"{path} is there already, no {what} of ours, and is not overwritten; "
            "choose another --out"
        )


def is_draft(path: Path) -> bool:
    """Whether a file has the name of one that was being written by ``replacing``."""
    return bool(re.fullmatch(r"\..+\.[0-9a-f]{8}(\.\w+)?", path.name))


def check_name(name: str) -> str:
    """Return the name of a study, which is that of its folder too.

    Raises:
        ConfigError: it would lead elsewhere, or could not be shown.
    """
    if (
        not name.isprintable()
        or name.startswith(".")
        or {"/", "\\"} & {*name}
        or not 0 < len(name.encode()) <= LONGEST_NAME
    ):
        raise ConfigError(
            f"study name: came {name[:LONGEST_NAME]!r}, allowed: up to {LONGEST_NAME} bytes that "
            "begin with no dot and hold no slash or control character; rename the sweep file"
        )
    return name


@contextmanager
def _appending(path: Path) -> Iterator[Path]:
    try:
        with TemporaryDirectory(prefix="bcsearch-") as folder:
            draft = Path(folder) / "draft"
            yield draft
            with draft.open("rb") as written, path.open("ab", buffering=0) as stream:
                shutil.copyfileobj(written, stream)
    except OSError as error:
        raise DiskError(f"cannot write {path}: {error.strerror or error}") from error


def _draft_of(path: Path) -> Path:
    # not by the process id, which is equal in containers
    return path.parent / f".{path.name}.{token_hex(4)}{path.suffix}"


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
