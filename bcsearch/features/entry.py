"""What an entry of the cache is: its key, its record on disk, its checked reading and writing."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import TypeAdapter

from bcsearch.data.archive import DAMAGE
from bcsearch.paths import check_plain, read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

DATA = "data.npy"
META = "meta.json"
OWNERS = "owners.json"
MOST_OWNERS = 50  # the last that used an entry
HASH_BYTES = 2**24  # hashed at a time, so that a large entry is never in memory whole


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryKey:
    """What an entry depends on: equal keys mean equal bytes. ``title`` is for reading alone."""

    kind: str
    fields: tuple[tuple[str, str | int], ...]
    title: str = field(default="", compare=False)

    @classmethod
    def of(cls, kind: str, title: str = "", /, **fields: str | int) -> EntryKey:
        """Make a key; the order of the fields does not matter."""
        return cls(kind=kind, fields=tuple(sorted(fields.items())), title=title)

    @property
    def digest(self) -> str:
        """32 hexadecimal digits: the entry's name on disk."""
        return blake2b(json.dumps([self.kind, self.fields]).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRecord:
    """One kept entry. ``created`` and ``used`` are seconds since 1970.

    ``seconds`` is what computing it took; ``owners`` are those that used it, the last ones last.
    """

    digest: str
    kind: str
    fields: dict[str, str | int]
    shape: tuple[int, ...]
    dtype: str
    checksum: str
    n_bytes: int
    created: float
    seconds: float
    title: str = ""
    used: float = 0.0
    owners: tuple[str, ...] = ()


_RECORDS = TypeAdapter(EntryRecord)
_OWNERS = TypeAdapter(tuple[str, ...])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """What computing an entry gives: chunks that are ``shape`` together, cast to ``dtype``.

    Half precision that cannot hold a value becomes float32; ``chunks`` is then called again.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: Callable[[], Iterator[np.ndarray]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stored:
    """An open entry: read-only data, from disk or memory, and the checksum of its bytes."""

    data: np.ndarray
    checksum: str


class DamagedEntry(Exception):
    """An entry whose files are missing, cut short or changed; never leaves the store."""


def checksum(array: np.ndarray) -> str:
    """Return 32 hexadecimal digits over the bytes of an array in C order."""
    digest = blake2b(digest_size=16)
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    for start in range(0, len(flat), HASH_BYTES):
        digest.update(flat[start : start + HASH_BYTES].data)
    return digest.hexdigest()


def write_rows(
    path: Path, chunks: Iterable[np.ndarray], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> bool:
    """Write consecutive rows to a ``.npy`` file.

    Return False as soon as the cast makes a value non-finite.

    Raises:
        OSError: the disk is full.
        ValueError: the chunks are not ``shape`` together.
    """
    start = 0
    with path.open("wb") as file:
        np.lib.format.write_array_header_2_0(
            file,
            {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape},
        )
        for chunk in chunks:
            rows = cast(chunk, dtype)
            if rows is None:
                return False
            file.write(rows.data)
            start += len(rows)
    if start != shape[0]:
        raise ValueError(f"{start} rows were computed for an entry of shape {shape}")
    return True


def cast(chunk: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray | None:
    """Return the chunk in C order as ``dtype``; None where half precision cannot hold it."""
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(chunk, dtype=dtype)
    if dtype == np.float16 and not np.isfinite(rows).all():
        return None
    return rows


def write_meta(folder: Path, key: EntryKey, seconds: float) -> EntryRecord:
    """Describe the data of a folder in its ``meta.json``."""
    data = np.load(folder / DATA, mmap_mode="r", allow_pickle=False)
    record = EntryRecord(
        digest=key.digest,
        kind=key.kind,
        fields=dict(key.fields),
        shape=data.shape,
        dtype=data.dtype.name,
        checksum=checksum(data),
        n_bytes=data.nbytes,
        created=time.time(),
        seconds=round(seconds, 3),
        title=key.title,
    )
    (folder / META).write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")
    return record


def read_meta(folder: Path) -> EntryRecord:
    """Read the record of a folder; ``used`` is when the folder was last opened.

    Raises:
        DamagedEntry: it is missing or makes no sense.
    """
    path = folder / META
    try:
        used = path.stat().st_mtime
        record = _RECORDS.validate_json(read_text(path), strict=True)
        n_bytes = check_plain(folder / DATA)
    except (OSError, ValueError) as error:
        raise DamagedEntry(f"{META} or {DATA} cannot be read") from error
    if record.digest != folder.name or not 0 <= record.n_bytes <= n_bytes:
        raise DamagedEntry(f"{META} is of another entry")
    return replace(record, used=used, owners=_owners(folder))


def note_owner(folder: Path, owner: str) -> None:
    """Note who uses an entry, under its lock.

    Raises:
        OSError: the folder cannot be written.
    """
    owners = _owners(folder)
    if owner and owner not in owners:
        text = json.dumps([*owners, owner][-MOST_OWNERS:])
        (folder / OWNERS).write_text(text, encoding="utf-8")


def _owners(folder: Path) -> tuple[str, ...]:
    """Return who used an entry; nobody where that is not known."""
    try:
        return _OWNERS.validate_json(read_text(folder / OWNERS))
    except (OSError, ValueError):
        return ()


def read_data(folder: Path, record: EntryRecord, *, verify: bool) -> np.ndarray:
    """Map the data of a folder into memory, read-only.

    Raises:
        DamagedEntry: it is missing, cut short, of another form, or (``verify``) has another
            checksum.
    """
    try:
        check_plain(folder / DATA)
        data: np.ndarray = np.lib.format.open_memmap(folder / DATA, mode="r")
    except DAMAGE as error:
        raise DamagedEntry(f"{DATA} cannot be read") from error
    if (data.shape, data.dtype.name) != (record.shape, record.dtype):
        raise DamagedEntry(f"{DATA} has another shape or type")
    if verify and checksum(data) != record.checksum:
        raise DamagedEntry(f"{DATA} has another checksum")
    return data
