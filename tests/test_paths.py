from __future__ import annotations

import os
from pathlib import Path

import pytest

from bcsearch.errors import ConfigError, DiskError
from bcsearch.paths import (
    cache_dir,
    check_name,
    creating,
    free_bytes,
    is_draft,
    is_stream,
    make_writable_dir,
    replacing,
)


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


@pytest.mark.parametrize("there", [True, False])
def test_link_stays_and_the_file_that_it_leads_to_is_written(there: bool, tmp_path: Path) -> None:
    target, link = tmp_path / "far" / "best.csv", tmp_path / "best.csv"
    target.parent.mkdir()
    if there:
        target.write_text("old")
    link.symlink_to(target)
    with replacing(link) as draft:
        draft.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


def test_pipe_is_written_through(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with replacing(pipe) as draft:
        draft.write_text("rows")
    assert os.read(reader, 99) == b"rows"
    os.close(reader)
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_device_is_written_through() -> None:
    before = os.stat("/dev/null")
    with replacing(Path("/dev/null")) as draft:
        draft.write_text("rows")
    assert os.stat("/dev/null").st_ino == before.st_ino
    with (
        pytest.raises(DiskError, match="/dev/full: No space left"),
        replacing(Path("/dev/full")) as draft,
    ):
        draft.write_text("rows")
    assert Path("/dev/full").is_char_device()


def test_what_a_stream_of_this_process_holds_already_stays(tmp_path: Path) -> None:
    with (tmp_path / "out.csv").open("w") as opened:
        opened.write("before\n")
        opened.flush()
        stream = Path(f"/dev/fd/{opened.fileno()}")
        assert is_stream(stream)
        with replacing(stream) as draft:
            draft.write_text("rows\n")
    assert (tmp_path / "out.csv").read_text() == "before\nrows\n"
    assert not is_stream(tmp_path / "out.csv")


def test_folder_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "out" / "deep").mkdir(parents=True)
    with (
        pytest.raises(DiskError, match=r"cannot write .*out"),
        replacing(tmp_path / "out") as draft,
    ):
        draft.write_text("rows")
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "deep"]


def test_draft_is_known_by_its_name(tmp_path: Path) -> None:
    for name in ("best.toml", "trial-00001.npz", "plain"):
        with replacing(tmp_path / name) as draft:
            draft.write_text("")
            assert is_draft(draft)
        assert not is_draft(tmp_path / name)
    assert not is_draft(Path(".gitignore"))


@pytest.mark.parametrize(
    "name", ["tiny", "my sweep", "ü", "a.b", "-x", "100%", "細胞", "t-2", "x" * 200]
)
def test_name_of_a_study_may_be_any_text_that_is_shown(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".hidden",
        "a/b",
        "../up",
        "a\\b",
        "a\nb",
        "\x1b[2J",
        "a\x00",
        "\udcff",
        "\u202e",
        "x" * 201,
    ],
)
def test_name_of_a_study_that_leads_elsewhere_or_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"^study name: came .*, allowed: .*; rename") as caught:
        check_name(name)
    assert str(caught.value).isprintable()


def test_file_of_a_name_that_is_too_long_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / ("9" * 300)
    assert not is_stream(path)
    with pytest.raises(DiskError, match="File name too long"), replacing(path) as draft:
        draft.write_text("x")
