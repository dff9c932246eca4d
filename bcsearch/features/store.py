"""The content-addressed store of arrays on disk.

``entries/<digest>/`` holds what counts, ``drafts/<digest>/`` what is being written or thrown away,
``locks/`` one lock for each digest (one process computes, the others wait), ``uses/`` who has what
open. A draft is renamed when complete.
"""

from __future__ import annotations

import os
import re
import shutil
import time
import weakref
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock, Timeout

from bcsearch.errors import DiskError
from bcsearch.features.entry import (
    DATA,
    META,
    DamagedEntry,
    EntryKey,
    EntryRecord,
    Rows,
    Stored,
    cast,
    checksum,
    note_owner,
    read_data,
    read_meta,
    write_meta,
    write_rows,
)
from bcsearch.features.uses import in_use, mark_use
from bcsearch.paths import free_bytes, locked, make_writable_dir

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DIGEST = re.compile(r"[0-9a-f]{32}")
RESERVE_BYTES = 2**26  # left free on the disk for everything else
MEMORY_BYTES = 2**29  # kept in memory where there is no cache on disk


class Store:
    """Entries under ``root``, at most ``limit_bytes`` together.

    ``notify`` hears what the user should know; ``check`` is called while waiting for another
    process, and may raise. ``owner`` is noted with all that is used.
    """

    def __init__(
        self,
        root: Path,
        limit_bytes: int | None = None,
        notify: Callable[[str], None] = lambda _: None,
        check: Callable[[], None] = lambda: None,
        owner: str = "",
    ) -> None:
        self.root = root
        self.limit_bytes = limit_bytes
        self.notify = notify
        self.check = check
        self.owner = owner
        self._open: weakref.WeakValueDictionary[str, np.ndarray] = weakref.WeakValueDictionary()
        self._uses: dict[str, weakref.finalize[..., np.ndarray]] = {}  # ends one, by digest
        self._verified: dict[str, str] = {}  # checksums, by digest, of what was checked here
        self._memory: OrderedDict[str, Stored] = OrderedDict()
        self._said: set[str] = set()

    def get_or_compute(self, key: EntryKey, compute: Callable[[], Rows]) -> Stored:
        """Return the entry of ``key``.

        ``compute`` is called only where no process has computed it yet.

        Where the disk is short or cannot be written the entry is computed for this process alone.
        """
        at_hand = self._at_hand(key)
        if at_hand is not None:
            return at_hand
        try:
            make_writable_dir(self.root)
            with locked(self._lock_path(key.digest), self.check):
                stored = self._read(key) or self._write(key, compute())
        except (DiskError, OSError) as error:
            self._say(
                f"cache: {_reason(error)}; going on without it: "
                "what it would hold is computed by each process"
            )
            return self._compute_in_memory(key, compute())
        self._keep_limit(spare=key.digest)
        return stored

    def find(self, key: EntryKey) -> Stored | None:
        """Return the entry of ``key`` if it is kept; None where it is not, or cannot be read."""
        at_hand = self._at_hand(key)
        if at_hand is not None or not os.path.exists(self._folder("entries", key.digest)):
            return at_hand
        try:
            with locked(self._lock_path(key.digest), self.check):
                return self._read(key)
        except (DiskError, OSError):
            return None

    def record_of(self, key: EntryKey) -> EntryRecord | None:
        """Return what is known of the entry of ``key``, unread and unchecked.

        None where none is kept.
        """
        try:
            return read_meta(self._folder("entries", key.digest))
        except DamagedEntry:
            return None

    def entries(self) -> list[EntryRecord]:
        """Return the kept entries, the least recently used first; damaged ones are left out."""
        found = []
        for folder in self._folders("entries"):
            with suppress(DamagedEntry):
                found.append(read_meta(folder))
        return sorted(found, key=lambda record: record.used)

    def prune(
        self, *, older_than: float | None = None, limit_bytes: int | None = None
    ) -> list[EntryRecord]:
        """Remove entries that no process has open, damaged ones, and what the dead left.

        Return the records removed.

        Without a limit all go; else those unused for ``older_than`` seconds, and the least recently
        used until ``limit_bytes`` are left.
        """
        self._sweep()
        self._remove_damaged()
        records = self.entries()
        total = sum(record.n_bytes for record in records)
        removed = []
        for record in records:
            old = older_than is not None and record.used < time.time() - older_than
            over = limit_bytes is not None and total > limit_bytes
            if (old or over or older_than is limit_bytes is None) and self._remove(record.digest):
                removed.append(record)
                total -= record.n_bytes
        return removed

    def close(self) -> None:
        """End this process's uses, and remove what only they kept above the limit.

        What it has open stays readable for as long as anything refers to it.
        """
        self._open.clear()
        for end in self._uses.values():
            end()
        with suppress(OSError):  # a cache that cannot be changed any more is not the run's matter
            self._keep_limit()

    def _at_hand(self, key: EntryKey) -> Stored | None:
        """Return the entry where this process has it open already."""
        if key.digest in self._memory:
            self._memory.move_to_end(key.digest)
            return self._memory[key.digest]
        data = self._open.get(key.digest)
        return None if data is None else Stored(data=data, checksum=self._verified[key.digest])

    def _read(self, key: EntryKey) -> Stored | None:
        """Open the entry under its lock; None where there is none or it is damaged."""
        folder = self._folder("entries", key.digest)
        if not folder.exists():
            return None
        try:
            record = read_meta(folder)
            data = read_data(folder, record, verify=key.digest not in self._verified)
        except DamagedEntry as error:
            self.notify(
                f"cache: entry {key.digest} ({key.kind}) is damaged: {error}; computing it again"
            )
            self._discard(key.digest)
            return None
        os.utime(folder / META)
        return self._opened(key.digest, data, record.checksum)

    def _write(self, key: EntryKey, rows: Rows) -> Stored:
        """Compute the entry under its lock into a draft and make it count."""
        self._sweep()
        self._check_room(rows)
        draft = self._folder("drafts", key.digest)
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        started = time.perf_counter()
        try:
            if not write_rows(draft / DATA, rows.chunks(), rows.shape, rows.dtype):
                write_rows(draft / DATA, rows.chunks(), rows.shape, np.dtype(np.float32))
            record = write_meta(draft, key, time.perf_counter() - started)
            target = self._folder("entries", key.digest)
            target.parent.mkdir(exist_ok=True)
            draft.rename(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return self._opened(key.digest, read_data(target, record, verify=False), record.checksum)

    def _opened(self, digest: str, data: np.ndarray, digest_of_data: str) -> Stored:
        """Remember what this process has open, for as long as anything refers to the data."""
        note_owner(self._folder("entries", digest), self.owner)
        self._uses[digest] = weakref.finalize(data, mark_use(self._folder("uses", digest)))
        self._open[digest] = data
        self._verified[digest] = digest_of_data
        return Stored(data=data, checksum=digest_of_data)

    def _check_room(self, rows: Rows) -> None:
        need = int(np.prod(rows.shape, dtype=np.int64)) * rows.dtype.itemsize
        free = free_bytes(self.root)
        if free < need + RESERVE_BYTES:
            raise DiskError(
                f"{self.root} needs {need / 2**20:.0f} MiB "
                f"and {RESERVE_BYTES / 2**20:.0f} MiB in reserve, "
                f"{free / 2**20:.0f} MiB are free; free some, "
                "or set BCSEARCH_CACHE to a folder on a larger disk"
            )

    def _compute_in_memory(self, key: EntryKey, rows: Rows) -> Stored:
        """Compute the entry for this process alone, and keep it while there is memory for it."""
        chunks = [cast(chunk, rows.dtype) for chunk in rows.chunks()]
        if any(chunk is None for chunk in chunks):
            chunks = [cast(chunk, np.dtype(np.float32)) for chunk in rows.chunks()]
        data = np.concatenate([chunk for chunk in chunks if chunk is not None])
        data.flags.writeable = False
        stored = self._memory[key.digest] = Stored(data=data, checksum=checksum(data))
        while (
            len(self._memory) > 1
            and sum(kept.data.nbytes for kept in self._memory.values()) > MEMORY_BYTES
        ):
            self._memory.popitem(last=False)
        return stored

    def _keep_limit(self, spare: str = "") -> None:
        """Remove the least recently used entries, but ``spare``, until the limit holds."""
        if self.limit_bytes is None:
            return
        records = self.entries()
        total = sum(record.n_bytes for record in records)
        for record in records:
            if total > self.limit_bytes and record.digest != spare and self._remove(record.digest):
                total -= record.n_bytes

    def _remove(self, digest: str) -> bool:
        """Remove an entry unless a process is computing it or has it open."""
        try:
            with self._try_lock(digest):
                if in_use(self._folder("uses", digest)):
                    return False
                self._discard(digest)
        except Timeout:
            return False
        return True

    def _discard(self, digest: str) -> None:
        """Take an entry away under its lock, at once: death half-way leaves a draft."""
        draft = self._folder("drafts", digest)
        draft.parent.mkdir(exist_ok=True)
        shutil.rmtree(draft, ignore_errors=True)
        self._folder("entries", digest).rename(draft)
        shutil.rmtree(draft, ignore_errors=True)
        self._verified.pop(digest, None)

    def _sweep(self) -> None:
        """Remove the drafts of processes that died."""
        for draft in self._folders("drafts"):
            with suppress(Timeout), self._try_lock(draft.name):
                shutil.rmtree(draft, ignore_errors=True)

    def _remove_damaged(self) -> None:
        for folder in self._folders("entries"):
            try:
                read_meta(folder)
            except DamagedEntry:
                self._remove(folder.name)

    def _lock_path(self, digest: str) -> Path:
        path = self._folder("locks", f"{digest}.lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _try_lock(self, digest: str) -> FileLock:
        return FileLock(self._lock_path(digest), blocking=False)

    def _folder(self, shelf: str, name: str) -> Path:
        return self.root / shelf / name

    def _folders(self, shelf: str) -> list[Path]:
        """Return the folders on a shelf that have the name of a digest: others are not ours."""
        place = self.root / shelf
        if not os.path.isdir(place):
            return []
        ours = (path for path in place.iterdir() if DIGEST.fullmatch(path.name))
        return sorted(path for path in ours if path.is_dir())

    def _say(self, line: str) -> None:
        """Tell a line once."""
        if line not in self._said:
            self._said.add(line)
            self.notify(line)


def _reason(error: Exception) -> str:
    return str(error).partition("; choose")[0] or type(error).__name__
