"""The supervisor over real processes: workers with the fake trainer, and small scripts."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from threading import Thread
from typing import TYPE_CHECKING, Any

import joblib
import pytest

from bcsearch.errors import StudyError
from bcsearch.records import TrialState
from bcsearch.records.events import Notice
from bcsearch.storage import read_study
from bcsearch.study.clock import Clock
from bcsearch.study.interrupts import Interrupts
from bcsearch.study.processes import LocalLaunch
from bcsearch.study.supervisor import MOST_LOSSES, Supervisor
from tests.fakes import Recorder
from tests.study.test_processes import SPACE, SWEEP

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow


def supervisor(
    words: list[str], is_done: Callable[[], bool], n_workers: int = 2, **more: Any
) -> Supervisor:
    heard = more.pop("listener", Recorder())
    launch = LocalLaunch(words, more.pop("environment", {}), n_workers)
    parts: dict[str, Any] = {
        "interrupts": Interrupts(heard),
        "listener": heard,
        **more,
    }
    return Supervisor(launch=launch, is_done=is_done, n_workers=n_workers, **parts)


def script(text: str, *arguments: str) -> list[str]:
    return ["-c", text, *arguments]


def told(heard: Recorder) -> list[str]:
    return [notice.text for notice in heard.of(Notice)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"sweeps/cells.toml": SWEEP, "search_spaces/toy.toml": SPACE}.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    return tmp_path


def fake_workers(folder: Path, seconds: float, trials: int) -> tuple[list[str], Callable[[], bool]]:
    """Return a worker's arguments, with the fake trainer, and whether all trials are done."""
    sweep = str(folder / "sweeps" / "cells.toml")
    words = ["-m", "tests.study.fake_worker", sweep, str(folder), str(seconds), str(trials)]
    url = f"sqlite:///{folder / 'study.db'}"

    def is_done() -> bool:
        try:
            return read_study(url, "cells").slots_filled >= trials
        except StudyError:
            return False

    return words, is_done


def test_workers_share_the_budget_and_a_killed_one_is_replaced(folder: Path) -> None:
    heard = Recorder()
    watched = supervisor(*fake_workers(folder, 0.1, 12), listener=heard)

    def kill_one() -> None:
        while not (folder / "diary.jsonl").exists() or not (folder / "diary.jsonl").read_text():
            time.sleep(0.05)
        first = (folder / "diary.jsonl").read_text().split('"pid": ')[1].split(",")[0]
        os.kill(int(first), signal.SIGKILL)

    killer = Thread(target=kill_one)
    killer.start()
    assert watched.run() is True
    killer.join()
    record = read_study(f"sqlite:///{folder / 'study.db'}", "cells")
    assert record.slots_filled == 12
    assert record.count(TrialState.RUNNING) == 0
    assert sum("was killed by SIGKILL; starting it again" in text for text in told(heard)) == 1


def test_a_worker_that_ends_early_is_started_again_until_all_is_done(tmp_path: Path) -> None:
    text = "import sys, os; open(sys.argv[1], 'a').write('x'); print('hello')"
    marks = tmp_path / "marks"
    heard = Recorder()
    watched = supervisor(
        script(text, str(marks)),
        lambda: marks.exists() and len(marks.read_text()) >= 5,
        n_workers=1,
        listener=heard,
    )
    assert watched.run() is True
    assert len(marks.read_text()) == 5
    assert Counter(told(heard))["worker 0: hello"] == 5


def test_worker_that_leaves_as_its_time_is_up_is_not_started_again(tmp_path: Path) -> None:
    text = "import sys; open(sys.argv[1], 'a').write('x')"
    marks, heard = tmp_path / "marks", Recorder()
    interrupts = Interrupts(heard)
    interrupts.clock = Clock(seconds=60.0, trial_seconds=lambda: 90.0)
    watched = supervisor(
        script(text, str(marks)), lambda: False, n_workers=2, interrupts=interrupts, listener=heard
    )
    assert watched.run() is True
    assert marks.read_text() == "xx"


def test_workers_that_all_fail_before_their_time_is_up_are_an_error() -> None:
    heard = Recorder()
    interrupts = Interrupts(heard)
    interrupts.clock = Clock(seconds=600.0)
    with pytest.raises(StudyError, match="all workers have ended"):
        supervisor(
            script("raise SystemExit(2)"), lambda: False, interrupts=interrupts, listener=heard
        ).run()


def test_what_a_worker_prints_comes_with_its_number_and_a_bug_is_not_repeated() -> None:
    heard = Recorder()
    with pytest.raises(StudyError, match="all workers have ended"):
        supervisor(
            script("print('so far'); raise ValueError('a bug')"), lambda: False, listener=heard
        ).run()
    for number in range(2):
        assert told(heard).count(f"worker {number}: so far") == 1
        assert told(heard).count(f"worker {number}: ValueError: a bug") == 1


def test_a_worker_that_is_always_killed_is_given_up() -> None:
    heard = Recorder()
    text = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    with pytest.raises(StudyError, match="all workers have ended"):
        supervisor(script(text), lambda: False, n_workers=1, listener=heard).run()
    assert sum("starting it again" in line for line in told(heard)) == MOST_LOSSES
    assert told(heard)[-1] == "worker 0 was killed by SIGKILL; it was lost too often"


def test_ctrl_c_asks_every_worker_to_end_and_waits(folder: Path) -> None:
    heard = Recorder()
    with Interrupts(heard) as interrupts:
        words, is_done = fake_workers(folder, 0.3, 40)

        def interrupt() -> None:
            while (
                not (folder / "diary.jsonl").exists()
                or (folder / "diary.jsonl").read_text().count("Started") < 2
            ):
                time.sleep(0.05)
            os.kill(os.getpid(), signal.SIGINT)

        Thread(target=interrupt, daemon=True).start()
        assert supervisor(words, is_done, interrupts=interrupts, listener=heard).run() is False
    record = read_study(f"sqlite:///{folder / 'study.db'}", "cells")
    assert record.count(TrialState.RUNNING) == record.count(TrialState.FAIL) == 0
    assert record.count(TrialState.WAITING) >= 2  # released, and the start points that are left


def test_cores_are_divided_among_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joblib, "cpu_count", lambda: 8)
    heard = Recorder()
    names = ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "MINE")
    text = f"import os; print(*(os.environ[name] for name in {names}))"
    ended = iter([False] * 4 + [True] * 99)
    supervisor(
        script(text), lambda: next(ended), n_workers=3, listener=heard, environment={"MINE": "yes"}
    ).run()
    assert "worker 2: 2 2 yes" in told(heard)
