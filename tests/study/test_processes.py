"""Whole worker processes on one SQLite study, with the fake trainer and a shared diary."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from bcsearch.records import TrialState
from bcsearch.storage import read_study
from tests.study.fake_worker import STOPPED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bcsearch.records import StudyRecord

pytestmark = pytest.mark.slow

EPOCHS = 5  # of every trial of the fake trainer
GRACE = 3  # seconds of silence after which a worker counts as lost
START = [0.011, 0.012, 0.013, 0.014]
SWEEP = f"""
space = "toy"
start = [{", ".join(f"{{ learning_rate = {rate} }}" for rate in START)}]

[search]
startup_trials = 6
pruner = "none"

[limits]
heartbeat_seconds = 1
grace_seconds = {GRACE}
"""
SPACE = """
[params]
learning_rate = { float = [1e-5, 1e-1], log = true }
dropout = { float = [0.0, 0.9] }
"""


@dataclass(kw_only=True, eq=False)
class Workplace:
    """A folder with a sweep, its study and the diary of its workers."""

    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *more: str, seconds: float = 0.01, trials: int) -> subprocess.Popen[bytes]:
        """Start one worker; with ``refit`` it ends the study too."""
        module = [sys.executable, "-m", "tests.study.fake_worker"]
        arguments = [
            str(self.folder / "sweeps" / "cells.toml"),
            str(self.folder),
            str(seconds),
            str(trials),
            *more,
        ]
        with (self.folder / "stderr.txt").open("ab") as stderr:
            self.processes.append(subprocess.Popen([*module, *arguments], stderr=stderr))
        return self.processes[-1]

    def finish(self) -> None:
        """Wait until every process ended well."""
        for process in self.processes:
            assert process.wait(90) == 0, (self.folder / "stderr.txt").read_text()

    @property
    def diary(self) -> list[dict[str, Any]]:
        """Return what happened, less what was only said of the time left."""
        path = self.folder / "diary.jsonl"
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        whole = [json.loads(line) for line in lines if line.endswith("\n")]
        return [line for line in whole if line["event"] != "TimeLeft"]

    def of(self, event: str) -> list[dict[str, Any]]:
        """Return the diary's lines of one event."""
        return [line for line in self.diary if line["event"] == event]

    def wait_for(self, event: str, **fields: int) -> None:
        """Wait until an event with these fields stands in the diary."""
        deadline = time.monotonic() + 60
        while not any(line.items() >= fields.items() for line in self.of(event)):
            ended = any(process.poll() is not None for process in self.processes)
            assert not ended, (self.folder / "stderr.txt").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def forget(self, process: subprocess.Popen[bytes]) -> int:
        """Wait for a process that is not expected to end well, and return its exit code."""
        self.processes.remove(process)
        return process.wait(20)

    def record(self) -> StudyRecord:
        return read_study(f"sqlite:///{self.folder / 'study.db'}", "cells", with_epochs=True)


@pytest.fixture
def workplace(tmp_path: Path) -> Iterator[Workplace]:
    for name, text in {"sweeps/cells.toml": SWEEP, "search_spaces/toy.toml": SPACE}.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    place = Workplace(folder=tmp_path)
    yield place
    for process in place.processes:
        process.kill()
        process.wait()


def rates(lines: list[dict[str, Any]]) -> list[float]:
    return [line["params"]["learning_rate"] for line in lines]


@pytest.mark.parametrize("n_processes", [2, 4])
def test_processes_share_the_trials_and_never_run_one_twice(
    n_processes: int, workplace: Workplace
) -> None:
    for _ in range(n_processes):
        workplace.start(trials=24, seconds=0.02)
    workplace.finish()
    started, ended = workplace.of("TrialStarted"), workplace.of("TrialEnded")
    assert sorted(line["number"] for line in started) == list(range(24))
    assert sorted(line["number"] for line in ended) == list(range(24))
    assert len({line["pid"] for line in started}) == n_processes
    counted = Counter(rates(started))
    assert [counted[rate] for rate in START] == [1] * len(START)
    record = workplace.record()
    assert (record.slots_filled, record.count(TrialState.COMPLETE), len(record.trials)) == (
        24,
        24,
        24,
    )
    assert all(len(trial.epochs) == EPOCHS for trial in record.trials)


def test_study_goes_on_after_kill_9_in_the_middle_of_a_trial(workplace: Workplace) -> None:
    doomed = workplace.start(trials=8, seconds=0.15)
    workplace.wait_for("EpochEnded", number=2, epoch=1)
    doomed.kill()
    workplace.forget(doomed)
    before = workplace.of("TrialEnded")
    assert [line["number"] for line in before] == [0, 1]

    workplace.start(trials=8)
    workplace.finish()
    record = workplace.record()
    assert record.slots_filled == 8
    assert record.count(TrialState.FAIL) == 1
    assert len(record.trials) == 9
    starts = workplace.of("TrialStarted")
    assert Counter(line["number"] for line in starts) == dict.fromkeys(
        range(9), 1
    )  # none that ended ran again
    interrupted = record.trials[2]
    (retry,) = [trial for trial in record.trials if "retry of trial 2" in trial.note]
    assert interrupted.state is TrialState.FAIL
    assert (retry.state, retry.params) == (TrialState.COMPLETE, interrupted.params)
    assert len(retry.epochs) == EPOCHS


def test_worker_takes_over_from_one_that_was_killed(workplace: Workplace) -> None:
    doomed = workplace.start(
        trials=6, seconds=600
    )  # it is still at its first trial when it is killed
    workplace.wait_for("TrialStarted", pid=doomed.pid)
    survivor = workplace.start(trials=6, seconds=0.05)
    workplace.wait_for("TrialStarted", pid=survivor.pid)
    doomed.kill()
    workplace.forget(doomed)
    workplace.finish()
    record = workplace.record()
    assert (record.slots_filled, record.count(TrialState.FAIL), len(record.trials)) == (6, 1, 7)
    counted = Counter(trial.params["learning_rate"] for trial in record.trials if trial.is_finished)
    assert [counted[rate] for rate in START] == [1] * len(START)


def test_survivor_refits_only_after_the_killed_workers_trial_has_been_run_again(
    workplace: Workplace,
) -> None:
    doomed = workplace.start(trials=5, seconds=600)
    workplace.wait_for("TrialStarted", pid=doomed.pid)
    survivor = workplace.start("refit", trials=5)
    workplace.wait_for("TrialEnded", number=4)
    assert len(workplace.of("TrialEnded")) == 4  # all but the one that the doomed worker is at
    doomed.kill()
    workplace.forget(doomed)
    workplace.finish()

    record = workplace.record()
    assert (record.slots_filled, record.trials_wanted, record.count(TrialState.FAIL)) == (5, 5, 1)
    assert record.retried == {0}
    (retry,) = [trial for trial in record.trials if trial.retry_of == 0]
    assert (retry.state, retry.params) == (TrialState.COMPLETE, record.trials[0].params)
    diary = workplace.diary
    told = [(line["event"], line.get("number"), line["pid"]) for line in diary]
    refit = [line["event"] == "Notice" and line["text"].startswith("refitting") for line in diary]
    assert sum(refit) == 1
    assert told[refit.index(True) - 1] == ("TrialEnded", retry.number, survivor.pid)
    assert refit[-1]  # nothing was trained once the refit began


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_finishes_the_epoch_and_releases_the_trial(
    number: signal.Signals, workplace: Workplace
) -> None:
    process = workplace.start(trials=4, seconds=1.5)
    workplace.wait_for("EpochEnded", number=1, epoch=1)
    process.send_signal(number)
    assert workplace.forget(process) == STOPPED
    *_, notice, epoch, released = workplace.diary
    assert (notice["event"], epoch["event"], released["event"]) == (
        "Notice",
        "EpochEnded",
        "TrialReleased",
    )
    assert released["number"] == 1
    waiting = workplace.record().trials[1]
    assert waiting.state is TrialState.WAITING

    workplace.start(trials=4)
    workplace.finish()
    record = workplace.record()
    assert (record.slots_filled, len(record.trials)) == (4, 4)
    assert record.trials[1].params == waiting.params
    assert record.trials[1].state is TrialState.COMPLETE
    first, again = (line for line in workplace.of("TrialStarted") if line["number"] == 1)
    assert first["params"] == again["params"]
    assert Counter(line["number"] for line in workplace.of("TrialEnded")) == dict.fromkeys(
        range(4), 1
    )


def test_second_signal_stops_in_the_middle_of_an_epoch(workplace: Workplace) -> None:
    process = workplace.start(trials=4, seconds=5)
    workplace.wait_for("TrialStarted", number=0)
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    workplace.wait_for("Notice")
    process.send_signal(signal.SIGINT)
    assert workplace.forget(process) == STOPPED
    assert time.monotonic() - asked < 4
    assert workplace.of("EpochEnded") == []
    assert workplace.record().trials[0].state is TrialState.WAITING
