"""Opens .npz archives of anybody: nothing in them is unpickled, and no bomb is unpacked."""

from __future__ import annotations

import lzma
import struct
import sys
import tokenize
import warnings
import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil
from numpy import ascontiguousarray, lib, ndarray, uint32
from numpy.lib.npyio import NpzFile

from bcsearch.errors import DataError
from bcsearch.paths import check_plain
from bcsearch.records.sizes import size_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# what reading a damaged archive raises: of zip, of its methods, of the header of an array
DAMAGE = (
    OSError, EOFError, MemoryError, OverflowError, RuntimeError, struct.error,
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError,
    ValueError, TypeError, LookupError, AttributeError, SyntaxError, tokenize.TokenError,
)  # fmt: skip
LARGE = 2**28  # bytes of an array
MOST_SHRUNK = 100  # how many times smaller a large array may be in its archive
ENCRYPTED = 1  # the bit of a member's flags


@contextmanager
def opened(path: Path) -> Iterator[NpzFile]:
    """Open an .npz archive, whose arrays ``read_array`` reads.

    Raises:
        DataError: it is none, is damaged, or has no end, as a pipe or a device.
    """
    try:
        check_plain(path)
        file = path.open("rb")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    with file:
        if not zipfile.is_zipfile(file):
            raise DataError(
                f"{path}: not an .npz file, or one that was cut short; "
                "write it again with numpy.savez"
            )
        try:
            archive = NpzFile(file, allow_pickle=False)
        except DAMAGE as error:
            raise _damaged(path, error) from error
        yield archive


def read_array(archive: NpzFile, key: str, path: Path) -> ndarray:
    """Return an array of an archive.

    Raises:
        DataError: it is pickled, encrypted, damaged, or too large for the memory that is free.
    """
    try:
        if archive.zip is not None:
            names = archive.zip.NameToInfo
            check_member(names.get(f"{key}.npy") or names[key], f"{path}: {key}")
        with _unwarned():
            array: object = archive[key]
    except DAMAGE as error:
        raise _damaged(path, error, f"{path}: {key}") from error
    if not isinstance(array, ndarray):  # numpy returns other members as bytes
        raise DataError(f"{path}: {key} is not a numpy array; write it again with numpy.savez")
    return _checked(array, f"{path}: {key}")


def read_file(path: Path) -> ndarray:
    """Return the array of an .npy file.

    Raises:
        DataError: it is pickled or damaged, or has no end, as a pipe or a device.
    """
    try:
        check_plain(path)
        with path.open("rb") as file, _unwarned():
            return _checked(lib.format.read_array(file, allow_pickle=False), str(path))
    except DAMAGE as error:
        raise _damaged(path, error) from error


@contextmanager
def _unwarned() -> Iterator[None]:
    """Hide what numpy warns of: headers that it can read after all."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _checked(array: ndarray, where: str) -> ndarray:
    """Refuse values that a damaged file may claim, and that numpy does not look at."""
    if array.dtype.kind == "U" and not _is_text(array):
        raise DataError(f"{where} holds what is no text; write it again with numpy.savez")
    if array.dtype.itemsize == 0:  # a few bytes may claim any number of these
        raise DataError(f"{where} has type {array.dtype}, whose values are empty")
    return array


def _is_text(array: ndarray) -> bool:
    """Whether Python has all characters of an array of texts; numpy does not look."""
    codes = ascontiguousarray(array.astype(array.dtype.newbyteorder("="))).view(uint32)
    return int(codes.max(initial=0)) <= sys.maxunicode


def check_member(member: zipfile.ZipInfo, where: str) -> None:
    """Refuse what cannot be unpacked, by what the archive says of it; ``where`` names it.

    Raises:
        DataError: it is encrypted, a bomb, or too large for the memory that is free.
    """
    if member.flag_bits & ENCRYPTED:
        raise DataError(f"{where} is encrypted; save it without a password")
    size = member.file_size
    if size > LARGE and size > MOST_SHRUNK * member.compress_size:
        raise DataError(
            f"{where} would unpack from {size_text(member.compress_size)} to {size_text(size)}, "
            "which no images or weights do; save it again"
        )
    free = psutil.virtual_memory().available
    if size > free:
        raise DataError(
            f"{where} holds {size_text(size)}, {size_text(free)} of memory are free; "
            "give less, or use a larger machine"
        )


def _damaged(path: Path, error: BaseException, where: str = "") -> DataError:
    if "allow_pickle" in str(error):
        return DataError(
            f"{where or path} is a pickled object array, which is never unpickled; "
            "save plain numbers of one shape"
        )
    reason = " ".join(str(error).split()) or type(error).__name__
    return DataError(f"{path}: cannot be read ({reason}); write it again with numpy.savez")
