"""Waiting for a study that is not there yet."""

from __future__ import annotations

import os
import signal
from threading import Timer
from typing import TYPE_CHECKING, Any

import pytest

from bcsearch.config import RunOptions
from bcsearch.errors import StudyError
from bcsearch.records.events import Notice
from bcsearch.study.interrupts import Interrupts
from tests.fakes import Recorder, make_plan, open_session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow


def waiting(folder: Path, minutes: float | None, meanwhile: Callable[[], Any]) -> list[str]:
    """Wait for the study ``cells``; return what is said, and whether it may go on."""
    from bcsearch.study.opening import await_study

    heard = Recorder()
    options = RunOptions(storage=str(folder / "study.db"), results_dir=folder, wait=minutes)
    timer = Timer(0.3, meanwhile)
    timer.start()
    with Interrupts(heard) as interrupts:
        goes_on = await_study("cells", options, interrupts.tell, interrupts)
    timer.join()
    return [str(goes_on), *(notice.text for notice in heard.of(Notice))]


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bcsearch.study.opening.WAIT_SECONDS", 0.05)


def test_worker_waits_until_database_and_study_are_there(tmp_path: Path) -> None:
    goes_on, line = waiting(tmp_path, 1.0, lambda: open_session(tmp_path, make_plan(), trials=2))
    assert goes_on == "True"
    assert line.startswith("waiting for study 'cells', at most 1 minutes: no study was ever run")


def test_worker_does_not_wait_for_a_study_that_is_there(tmp_path: Path) -> None:
    open_session(tmp_path, make_plan(), trials=2)
    assert waiting(tmp_path, 1.0, lambda: None) == ["True"]


def test_worker_waits_no_longer_than_it_is_told(tmp_path: Path) -> None:
    goes_on, _ = waiting(tmp_path, 0.01, lambda: None)
    assert goes_on == "True"  # and who opens it says what is missing


@pytest.mark.parametrize("minutes", [None, 0.01])
def test_study_that_never_comes_is_the_usual_error(tmp_path: Path, minutes: float | None) -> None:
    from bcsearch.study.run import work

    with pytest.raises(StudyError, match="no study was ever run here: there is no database"):
        work("cells", RunOptions(storage=str(tmp_path / "no.db"), wait=minutes), Recorder())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_wait(tmp_path: Path, number: signal.Signals) -> None:
    goes_on, *lines = waiting(tmp_path, 5.0, lambda: os.kill(os.getpid(), number))
    assert goes_on == "False"
    assert lines[1:] == ["stopping; press Ctrl-C again to stop at once"]
