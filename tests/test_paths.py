from __future__ import annotations

import os
from pathlib import Path

import pytest

from bcsearch.errors import DiskError
from bcsearch.paths import cache_dir, creating, free_bytes, make_writable_dir, replacing


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"BCSEARCH_CACHE": "/fast/cells", "XDG_CACHE_HOME": "/xdg"}, "/fast/cells"),
        ({"XDG_CACHE_HOME": "/xdg"}, "/xdg/bcsearch"),
        ({"HOME": "/home/ada"}, "/home/ada/.cache/bcsearch"),
    ],
)
def test_cache_lies_where_the_environment_says(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BCSEARCH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache_dir() == Path(expected)


def test_a_writable_folder_is_made_with_its_parents_and_left_empty(tmp_path: Path) -> None:
    made = make_writable_dir(tmp_path / "results" / "study")
    assert made.is_dir()
    assert list(made.iterdir()) == []


def test_a_file_in_the_place_of_a_folder_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("in the way")
    with pytest.raises(
        DiskError, match=r"^cannot write to folder .*results: File exists; choose another"
    ):
        make_writable_dir(tmp_path / "results")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_is_one_clear_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(
        DiskError, match=r"^cannot write to folder .*: Permission denied; choose another"
    ):
        make_writable_dir(tmp_path)


def test_free_bytes_are_those_of_the_nearest_folder_that_exists(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "not" / "there" / "yet") > 0


def test_replaced_file_appears_only_when_its_block_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "new" / "best.toml"
    with replacing(path) as draft:
        draft.write_text("score = 1")
        assert not path.exists()
        assert draft.suffix == ".toml"
    assert path.read_text() == "score = 1"
    assert list(path.parent.iterdir()) == [path]


def write_half(path: Path, error: BaseException) -> None:
    with replacing(path) as draft:
        draft.write_text("half")
        raise error


@pytest.mark.parametrize(
    "error", [RuntimeError("bug"), KeyboardInterrupt()], ids=["bug", "interrupt"]
)
def test_file_is_as_it_was_when_writing_breaks_off(error: BaseException, tmp_path: Path) -> None:
    path = tmp_path / "best.toml"
    path.write_text("old")
    with pytest.raises(type(error)):
        write_half(path, error)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_full_disk_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "best.toml"
    with (
        pytest.raises(DiskError, match=r"^cannot write .*best.toml: No space left on device$"),
        replacing(path),
    ):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_new_file_gets_its_name_only_when_its_block_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "new" / "kept.db"
    with creating(path) as draft:
        draft.write_text("rows")
        assert not path.exists()
    assert path.read_text() == "rows"
    assert list(path.parent.iterdir()) == [path]


def test_new_file_whose_block_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="broken"), creating(tmp_path / "kept.db"):
        raise ValueError("broken")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("links", [True, False])
def test_file_that_came_meanwhile_is_not_overwritten(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    if not links:
        monkeypatch.setattr("bcsearch.paths.os.link", refuse)
    path = tmp_path / "kept.db"
    with pytest.raises(DiskError, match="is there already"), creating(path):
        path.write_text("precious")
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


def test_new_file_is_made_on_a_disk_without_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr("bcsearch.paths.os.link", refuse)
    with creating(tmp_path / "kept.db") as draft:
        draft.write_text("rows")
    assert (tmp_path / "kept.db").read_text() == "rows"
