from __future__ import annotations

import os
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bcsearch.data import archive, load_dataset
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)


def encrypted(path: Path) -> None:
    np.savez(path, data=IMAGES, labels=[0, 1] * 3)
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = content.find(mark)
        while start >= 0:
            content[start + place] |= 1
            start = content.find(mark, start + 1)
    path.write_bytes(content)


def header_that_is_cut(path: Path) -> None:
    np.savez(path, data=IMAGES, labels=[0, 1] * 3)
    with zipfile.ZipFile(path) as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    members["data.npy"] = members["data.npy"].replace(b"{'descr'", b"{(descr ")
    with zipfile.ZipFile(path, "w") as damaged:
        for name, content in members.items():
            damaged.writestr(name, content)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def bomb(path: Path) -> None:
    np.savez_compressed(path, data=np.zeros((6, 400, 400, 3), np.uint8), labels=[0, 1] * 3)


def no_text(path: Path) -> None:
    names = np.frombuffer(np.array([2**31, 98], "<u4").tobytes(), "<U1")
    np.savez(path, data=IMAGES, labels=[0, 1] * 3, class_names=names)


CASES: dict[str, tuple[Callable[[Path], None], str]] = {
    "encrypted": (encrypted, "data is encrypted; save it without a password"),
    "header that is cut": (header_that_is_cut, "cannot be read"),
    "pipe": (pipe, "it is a pipe or a device and no plain file"),
    "endless": (endless, "it is a pipe or a device and no plain file"),
    "bomb": (bomb, "data would unpack from .* to 2.9MB, which no images"),
    "no text": (no_text, "class_names holds what is no text"),
}


@pytest.mark.parametrize("case", CASES)
def test_archive_of_no_sense_is_refused(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "LARGE", 2**20)
    make, expected = CASES[case]
    make(tmp_path / "cells.npz")
    with pytest.raises(DataError, match=f"cells.npz.*{expected}"):
        load_dataset(tmp_path / "cells.npz")


def test_more_than_the_memory_that_is_free_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Memory:
        available = 1000

    monkeypatch.setattr("psutil.virtual_memory", Memory)
    np.savez(tmp_path / "cells.npz", data=IMAGES, labels=[0, 1] * 3)
    with pytest.raises(DataError, match=r"data holds 1.3KB, 1.0KB of memory are free"):
        load_dataset(tmp_path / "cells.npz")
