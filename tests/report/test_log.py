from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest

from bcsearch.errors import DiskError
from bcsearch.records.events import EpochEnded, Notice, TrialInfeasible, TrialStarted
from bcsearch.report.live import Detail, LiveView
from bcsearch.report.log import Log


def test_every_line_has_a_time_and_is_appended_to_what_stands_there(tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    path.write_text("mine\n")
    with LiveView(Log(path).console(), Detail.EPOCHS) as view:
        view(Notice(text="a notice [bold] of \x1b[2J " + "many words " * 30))
        view(TrialStarted(number=3, params={}))
        view(EpochEnded(number=3, epoch=0, score=0.5, best=0.75))
        view(TrialInfeasible(number=3, reason="out of memory"))
    Log(path).write("two\nlines")
    mine, *lines = path.read_text().splitlines()
    assert mine == "mine"
    stamps, texts = zip(*(line.split(" ", 1) for line in lines), strict=True)
    assert all(datetime.fromisoformat(stamp).tzinfo for stamp in stamps)
    assert texts[0].startswith(r"a notice [bold] of \x1b[2J many words")
    assert texts[1:] == (
        "trial 3 running, epoch 1, accuracy 0.5000, best 0.7500",
        "trial 3 infeasible: out of memory",
        "two",
        "lines",
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no/run.log", "No such file or directory; give another file"),
        ("folder", "Is a directory; give another file"),
        ("pipe", "is a pipe or a device; give the path of a plain file"),
        ("/dev/null", "is a pipe or a device; give the path of a plain file"),
        ("study.db", "is there and is no text; give another file"),
        ("best.toml", "a log is no .toml file; give another name"),
    ],
)
def test_place_that_cannot_be_appended_to_is_refused_and_left_as_it_is(
    name: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    os.mkfifo("pipe")
    database = b"SQLite format 3\0 and more"
    Path("study.db").write_bytes(database)
    Path("best.toml").write_text("[best]")
    with pytest.raises(DiskError, match=reason):
        Log(Path(name))
    assert Path("study.db").read_bytes() == database
    assert Path("best.toml").read_text() == "[best]"
    assert sorted(os.listdir()) == ["best.toml", "folder", "pipe", "study.db"]


def test_log_goes_on_in_a_new_file_where_it_was_moved_and_keeps_why_it_cannot(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    log = Log(folder / "run.log")
    (folder / "run.log").rename(folder / "old.log")
    log.write("later")
    assert (folder / "run.log").read_text().endswith(" later\n")
    folder.rename(tmp_path / "moved")
    log.write("lost")
    assert log.failure == "No such file or directory"
