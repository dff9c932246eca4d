"""``bcsearch data fetch`` from a server on this machine that stands in for the published one."""

from __future__ import annotations

import gc
from dataclasses import replace
from hashlib import md5
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bcsearch import fetch
from bcsearch.data import load_dataset
from bcsearch.data.published import PUBLISHED
from tests.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Answer

    Run = Callable[..., Answer]

FILE = "bloodmnist_64.npz"
pytestmark = [
    # pooch leaves the reply of a server that breaks off to be closed by the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def server(tmp_path: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serve a file with the arrays of MedMNIST's under its name, and know its digest."""
    folder = tmp_path / "served"
    folder.mkdir()
    random = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for part, count in (("train", 24), ("val", 8), ("test", 8)):
        arrays[f"{part}_images"] = random.integers(0, 256, (count, 64, 64, 3), np.uint8)
        arrays[f"{part}_labels"] = (np.arange(count) % 4)[:, np.newaxis]
    np.savez(folder / FILE, **arrays)
    known = f"md5:{md5((folder / FILE).read_bytes()).hexdigest()}"
    here = replace(PUBLISHED["bloodmnist"], files={64: (FILE, known)})
    monkeypatch.setitem(PUBLISHED, "bloodmnist", here)
    made = Server(folder)
    monkeypatch.setenv("BCSEARCH_DATA_URL", made.url)
    fetch._silence.cache_clear()
    yield made
    made.stop()
    gc.collect()


def test_set_is_fetched_once_and_read_as_it_is(
    server: Server, bcsearch: Run, workdir: Path
) -> None:
    answer = bcsearch("data", "fetch", "bloodmnist", "--size", 64)
    assert answer.code == 0, answer.err
    assert answer.out.startswith(f"{FILE}: 17,092 single blood cells of 8 classes")
    assert "licence CC BY 4.0; cite J. Yang and others, MedMNIST v2" in answer.out
    assert bcsearch("data", "fetch", "bloodmnist", "--size", 64).code == 0
    assert server.asked.count(f"GET /{FILE}") == 1
    dataset = load_dataset(workdir / FILE)
    assert (dataset.n_images, dataset.n_classes) == (32, 4)
    assert dataset.valid is not None
    assert dataset.valid.sum() == 8
    assert dataset.test is not None


def test_file_is_written_where_it_is_wanted(server: Server, bcsearch: Run, workdir: Path) -> None:
    assert bcsearch("data", "fetch", "bloodmnist", "--out", "new/cells.npz").code == 0
    assert bcsearch("data", "fetch", "bloodmnist", "--out", "new").code == 0
    assert {path.name for path in (workdir / "new").glob("*.npz")} == {"cells.npz", FILE}


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("another content", "does not match the known hash"),
        ("breaks off", "cannot fetch"),
        ("no such file", "404 Client Error"),
        ("no network", "no network, or no such server"),
        ("another file is there", "is another file than"),
        ("no such set", "unknown set of images 'bloodmist'; did you mean 'bloodmnist'"),
        ("no such size", "--size: came 96, allowed for bloodmnist: 64"),
    ],
)
def test_what_goes_wrong_is_one_line_and_leaves_nothing_behind(
    trouble: str, said: str, server: Server, bcsearch: Run, workdir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    name, size = "bloodmnist", 64
    if trouble == "another content":
        (server.folder / FILE).write_bytes(b"other")
    elif trouble == "breaks off":
        server.breaks_off = True
    elif trouble == "no such file":
        (server.folder / FILE).unlink()
    elif trouble == "no network":
        monkeypatch.setenv("BCSEARCH_DATA_URL", "http://127.0.0.1:9")
    elif trouble == "another file is there":
        (workdir / FILE).write_bytes(b"mine")
    elif trouble == "no such set":
        name = "bloodmist"
    elif trouble == "no such size":
        size = 96
    answer = bcsearch("data", "fetch", name, "--size", size)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert len(answer.err.strip().splitlines()) == 1
    left = [path.name for path in workdir.iterdir() if path.suffix != ".lock"]
    assert [each for each in left if each != "served"] == (
        [FILE] if trouble == "another file is there" else []
    )
