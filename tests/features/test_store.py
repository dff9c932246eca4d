from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bcsearch.features import store as store_module
from bcsearch.features.entry import DATA, META, OWNERS, EntryKey, Rows
from bcsearch.features.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = EntryKey.of("activations", dataset="0123", view=0)
SHAPE = (6, 4)
N_BYTES = 48

CHILD = """
import sys, time
from pathlib import Path
import numpy as np
from bcsearch.features.entry import EntryKey, Rows
from bcsearch.features.store import Store

root, calls, pause = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])

def chunks():
    with calls.open("a") as file:
        file.write("call\\n")
    for start in (0, 3):
        yield np.full((3, 4), start, np.float32)
        time.sleep(pause)

rows = Rows(shape=(6, 4), dtype=np.dtype(np.float16), chunks=chunks)
key = EntryKey.of("activations", dataset="0123", view=0)
stored = Store(root).get_or_compute(key, lambda: rows)
print(stored.checksum, stored.data.sum())
"""


def start_child(root: Path, calls: Path, pause: float) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", CHILD, str(root), str(calls), str(pause)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


class Source:
    """Counts how often its rows are computed."""

    def __init__(self, value: float = 1.0, dtype: type[np.generic] = np.float16) -> None:
        self.value = value
        self.dtype = dtype
        self.calls = 0

    def __call__(self) -> Rows:
        return Rows(shape=SHAPE, dtype=np.dtype(self.dtype), chunks=self.chunks)

    def chunks(self) -> Iterator[np.ndarray]:
        self.calls += 1
        yield np.full((4, 4), self.value, np.float32)
        yield np.full((2, 4), self.value, np.float32)


def compute_and_forget(
    root: Path, key: EntryKey, source: Source, notify: Callable[[str], None] = print
) -> None:
    """Use a store as a process that then ends."""
    Store(root, notify=notify).get_or_compute(key, source)
    gc.collect()


def entry_folder(root: Path) -> Path:
    return root / "entries" / KEY.digest


def test_an_entry_is_computed_once_and_mapped_read_only(tmp_path: Path) -> None:
    source = Source()
    first = Store(tmp_path).get_or_compute(KEY, source)
    second = Store(tmp_path).get_or_compute(KEY, source)
    assert source.calls == 1
    assert isinstance(second.data, np.memmap)
    assert not second.data.flags.writeable
    assert second.checksum == first.checksum
    np.testing.assert_array_equal(first.data, np.ones(SHAPE))


def test_keys_differ_by_kind_and_by_every_field() -> None:
    keys = [
        EntryKey.of("a", x=1, y=2),
        EntryKey.of("b", x=1, y=2),
        EntryKey.of("a", x=1, y=3),
        EntryKey.of("a", x="1"),
    ]
    assert len({key.digest for key in keys}) == len(keys)
    assert EntryKey.of("a", y=2, x=1) == keys[0]


def test_who_used_an_entry_is_noted_once_and_what_it_is_does_not_change_its_key(
    tmp_path: Path,
) -> None:
    titled = EntryKey.of("activations", "a view", dataset="0123", view=0)
    assert titled.digest == KEY.digest
    for owner in ("mine on a.npz", "mine on a.npz", "", "yours on a.npz"):
        Store(tmp_path, owner=owner).get_or_compute(titled, Source())
    (record,) = Store(tmp_path).entries()
    assert (record.title, record.owners) == ("a view", ("mine on a.npz", "yours on a.npz"))


@pytest.mark.parametrize("text", ["", "{", "3", "[3]", "[" * 100_000, "\udcff"])
def test_who_used_an_entry_is_not_known_where_its_note_is_damaged(
    text: str, tmp_path: Path
) -> None:
    Store(tmp_path, owner="mine").get_or_compute(KEY, Source())
    path = entry_folder(tmp_path) / OWNERS
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    assert [record.owners for record in Store(tmp_path).entries()] == [()]
    Store(tmp_path, owner="yours").get_or_compute(KEY, Source())
    assert [record.owners for record in Store(tmp_path).entries()] == [("yours",)]


def test_what_half_precision_cannot_hold_is_kept_in_single(tmp_path: Path) -> None:
    stored = Store(tmp_path).get_or_compute(KEY, Source(value=1e6))
    assert stored.data.dtype == np.float32
    np.testing.assert_array_equal(stored.data, np.full(SHAPE, 1e6, np.float32))


@pytest.mark.slow
def test_two_processes_share_one_entry_computed_once(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    children = [start_child(tmp_path / "cache", calls, pause=0.3) for _ in range(2)]
    answers = [child.communicate(timeout=60)[0] for child in children]
    assert calls.read_text().count("call") == 1
    assert answers[0] == answers[1] != ""


@pytest.mark.slow
def test_an_entry_whose_writer_is_killed_is_computed_again(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    child = start_child(tmp_path / "cache", calls, pause=60)
    while not calls.exists() or not calls.read_text():
        time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert list((tmp_path / "cache" / "drafts").iterdir())
    assert Store(tmp_path / "cache").entries() == []

    source = Source()
    Store(tmp_path / "cache").get_or_compute(KEY, source)
    assert source.calls == 1
    assert not list((tmp_path / "cache" / "drafts").iterdir())


def test_drafts_of_the_dead_are_swept_with_the_next_entry(tmp_path: Path) -> None:
    (tmp_path / "drafts" / ("0" * 32)).mkdir(parents=True)
    Store(tmp_path).get_or_compute(KEY, Source())
    assert not list((tmp_path / "drafts").iterdir())


def test_rows_that_fail_to_compute_leave_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[np.ndarray]:
        yield np.ones((3, 4))
        raise ZeroDivisionError

    rows = Rows(shape=SHAPE, dtype=np.dtype(np.float16), chunks=broken)
    with pytest.raises(ZeroDivisionError):
        Store(tmp_path).get_or_compute(KEY, lambda: rows)
    assert Store(tmp_path).entries() == []
    assert not list((tmp_path / "drafts").iterdir())


def flip_last_byte(folder: Path) -> None:
    content = bytearray((folder / DATA).read_bytes())
    content[-1] ^= 1
    (folder / DATA).write_bytes(content)


def truncate(folder: Path) -> None:
    os.truncate(folder / DATA, 150)


def empty_data(folder: Path) -> None:
    (folder / DATA).write_bytes(b"")


def lose_data(folder: Path) -> None:
    (folder / DATA).unlink()


def break_meta(folder: Path) -> None:
    (folder / META).write_text("{")


def lose_meta(folder: Path) -> None:
    (folder / META).unlink()


def change_meta(folder: Path) -> None:
    (folder / META).write_text(json.dumps({"shape": [1]}))


def cut_header(folder: Path) -> None:
    content = (folder / DATA).read_bytes()
    (folder / DATA).write_bytes(content.replace(b"{'descr'", b"{(descr "))


def nest_meta(folder: Path) -> None:
    (folder / META).write_text("[" * 100_000)


def pipe_for_data(folder: Path) -> None:
    (folder / DATA).unlink()
    os.mkfifo(folder / DATA)


def with_meta(folder: Path, **changes: object) -> None:
    record = json.loads((folder / META).read_text())
    (folder / META).write_text(json.dumps(record | changes))


def size_as_text(folder: Path) -> None:
    with_meta(folder, n_bytes="48")


def place_elsewhere(folder: Path) -> None:
    with_meta(folder, digest="../../elsewhere")


DAMAGES = (
    flip_last_byte, truncate, empty_data, lose_data, break_meta, lose_meta, change_meta, cut_header,
    nest_meta, pipe_for_data, size_as_text, place_elsewhere,
)  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_computed_again_with_one_line(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    source, said = Source(), list[str]()
    compute_and_forget(tmp_path, KEY, source)
    damage(entry_folder(tmp_path))
    stored = Store(tmp_path, notify=said.append).get_or_compute(KEY, source)
    np.testing.assert_array_equal(stored.data, np.ones(SHAPE))
    assert source.calls == 2
    assert len(said) == 1
    assert "damaged" in said[0]
    assert "\n" not in said[0]


def test_an_entry_never_names_a_folder_outside_of_the_cache(tmp_path: Path) -> None:
    root, mine = tmp_path / "cache", tmp_path / "elsewhere"
    compute_and_forget(root, KEY, Source())
    mine.mkdir()
    place_elsewhere(entry_folder(root))
    assert Store(root).entries() == []
    Store(root).prune()
    assert mine.is_dir()


def test_a_short_disk_is_said_once_and_the_entry_kept_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "free_bytes", lambda _: 1000)
    source, said = Source(value=1e6), list[str]()
    store = Store(tmp_path, notify=said.append)
    first, again = store.get_or_compute(KEY, source), store.get_or_compute(KEY, source)
    assert again is first
    assert first.data.dtype == np.float32
    assert not first.data.flags.writeable
    assert len(said) == 1
    assert "are free" in said[0]
    assert store.entries() == []


def test_a_cache_folder_that_cannot_be_made_is_said_and_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    source, said = Source(), list[str]()
    stored = Store(tmp_path / "file" / "cache", notify=said.append).get_or_compute(KEY, source)
    np.testing.assert_array_equal(stored.data, np.ones(SHAPE))
    assert len(said) == 1
    assert "cannot write" in said[0]


def test_a_disk_that_fills_up_while_writing_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store_module, "write_rows", full)
    said = list[str]()
    stored = Store(tmp_path, notify=said.append).get_or_compute(KEY, Source())
    np.testing.assert_array_equal(stored.data, np.ones(SHAPE))
    assert "No space left" in said[0]
    assert not list((tmp_path / "drafts").iterdir())


def age(root: Path, key: EntryKey, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(root / "entries" / key.digest / META, (then, then))


def test_the_limit_evicts_the_least_recently_used_but_never_the_newest_or_what_is_open(
    tmp_path: Path,
) -> None:
    keys = [EntryKey.of("view", index=index) for index in range(4)]
    for index, key in enumerate(keys[:3]):
        compute_and_forget(tmp_path, key, Source())
        age(tmp_path, key, 100 - index)
    reader = Store(tmp_path)
    held = reader.get_or_compute(keys[0], Source())
    age(tmp_path, keys[0], 200)

    Store(tmp_path, limit_bytes=2 * N_BYTES).get_or_compute(keys[3], Source())
    assert {record.digest for record in reader.entries()} == {keys[0].digest, keys[3].digest}
    assert held.data[0, 0] == 1

    Store(tmp_path, limit_bytes=1).get_or_compute(keys[1], Source())
    assert keys[1].digest in {record.digest for record in reader.entries()}


def test_the_limit_holds_once_nobody_uses_what_was_spared(tmp_path: Path) -> None:
    keys = [EntryKey.of("view", index=index) for index in range(3)]
    store, other = Store(tmp_path, limit_bytes=N_BYTES), Store(tmp_path)
    held = [store.get_or_compute(key, Source()) for key in keys]
    theirs = other.get_or_compute(keys[0], Source())
    assert len(store.entries()) == 3  # all are in use
    store.close()
    assert [record.digest for record in store.entries()] == [keys[0].digest]
    assert [each.data[0, 0] for each in (*held, theirs)] == [1, 1, 1, 1]
    Store(tmp_path, limit_bytes=1).close()
    assert len(store.entries()) == 1  # another still uses it
    other.close()
    Store(tmp_path, limit_bytes=1).close()
    assert store.entries() == []


def test_entries_are_described_and_pruned_by_age_and_size(tmp_path: Path) -> None:
    keys = [EntryKey.of("view", index=index, policy="light") for index in range(4)]
    for index, key in enumerate(keys):
        compute_and_forget(tmp_path, key, Source())
        age(tmp_path, key, 1000 - 100 * index)
    store = Store(tmp_path)
    record = store.entries()[0]
    assert (record.kind, record.fields) == ("view", {"index": 0, "policy": "light"})
    assert (record.shape, record.dtype, record.n_bytes) == (SHAPE, "float16", N_BYTES)

    (tmp_path / "entries" / ("0" * 32)).mkdir()  # without meta
    theirs = [tmp_path / shelf / "holidays" / "me.jpg" for shelf in ("entries", "drafts")]
    for path in theirs:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"")
    assert [gone.digest for gone in store.prune(older_than=950)] == [keys[0].digest]
    assert [gone.digest for gone in store.prune(limit_bytes=2 * N_BYTES)] == [keys[1].digest]
    held = store.get_or_compute(keys[2], Source())
    assert [gone.digest for gone in store.prune()] == [keys[3].digest]
    assert held.data.shape == SHAPE
    left = sorted(folder.name for folder in (tmp_path / "entries").iterdir())
    assert left == sorted([keys[2].digest, "holidays"])
    assert all(path.exists() for path in theirs)
