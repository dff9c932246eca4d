from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bcsearch.features.entry import EntryKey, Rows
from bcsearch.features.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Answer

    Run = Callable[..., Answer]


def keep_entry(root: Path, index: int) -> None:
    data = np.full((1000, 2), index, np.float16)
    rows = Rows(shape=data.shape, dtype=data.dtype, chunks=lambda: iter([data]))
    key = EntryKey.of("view", f"view light (copy {index})", index=index)
    Store(root, owner="quickstart on cells.npz").get_or_compute(key, lambda: rows)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Keep two entries of 4 KB in the cache."""
    for index in range(2):
        keep_entry(tmp_path / "cache", index)
    return tmp_path / "cache"


@pytest.mark.usefixtures("cache")
def test_list_shows_every_entry_and_their_sum(bcsearch: Run) -> None:
    lines = bcsearch("cache", "list").out.splitlines()
    assert lines[0].split() == ["size", "last", "used", "what", "used", "by"]
    for number, line in enumerate(lines[1:3]):
        assert line.strip().startswith("4.")
        assert f"view light (copy {number})  quickstart on cells.npz" in line
    assert lines[-1].startswith("2 entries, 8.")


@pytest.mark.usefixtures("workdir")
def test_list_of_an_empty_cache_makes_no_folder(tmp_path: Path, bcsearch: Run) -> None:
    assert bcsearch("cache", "list").out.startswith("0 entries")
    assert not (tmp_path / "cache").exists()


PRUNED = {
    "all": (["--all"], 2),
    "none that old": (["--older-than", "1"], 0),
    "down to one": (["--to", "5KB"], 1),
    "fits already": (["--to", "1GB"], 0),
}


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("case", PRUNED)
def test_prune_removes_what_was_asked_for(case: str, bcsearch: Run) -> None:
    arguments, removed = PRUNED[case]
    answer = bcsearch("cache", "prune", *arguments)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(f"removed {removed} entries")
    assert bcsearch("cache", "list").out.splitlines()[-1].startswith(f"{2 - removed} entries")


def test_cache_folder_may_be_given(cache: Path, workdir: Path, bcsearch: Run) -> None:
    cache.rename(workdir / "else")
    assert (
        bcsearch("cache", "list", "--cache-dir", "else")
        .out.splitlines()[-1]
        .startswith("2 entries")
    )
