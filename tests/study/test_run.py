"""A whole run from a sweep file, with the fake trainer: its parts, and how it may end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bcsearch.config import RunOptions
from bcsearch.errors import BcsearchError, DiskError, StudyError
from bcsearch.records.checked import Certificate, StudyCheck
from bcsearch.records.events import BudgetKnown, Notice, TimeLeft
from bcsearch.storage import database_of, read_study
from tests.fakes import FINGERPRINT, FakeTrainer, Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bcsearch.config import Plan
    from bcsearch.study.run import RunResult

pytestmark = pytest.mark.slow

SWEEP = 'space = "toy"\nsearch = { trials = 4, sampler = "random", pruner = "none" }\n'
SPACE = "[params]\nlearning_rate = { float = [1e-5, 1e-1], log = true }\n"


@dataclass(kw_only=True, eq=False)
class Bench:
    """``bcsearch.study.run`` without data and TensorFlow's work; counts refits."""

    options: RunOptions
    trainer: FakeTrainer = field(default_factory=FakeTrainer)
    fingerprint: dict[str, str] = field(default_factory=lambda: dict(FINGERPRINT))
    refits: int = 0
    refit_seconds: float = 0.0
    in_refit: Callable[[], None] = lambda: None
    closed_at: list[int] = field(default_factory=list)  # how many refits there were by then
    heard: Recorder = field(default_factory=Recorder)

    def run(self, **changes: Any) -> RunResult:
        from bcsearch.study.run import run

        asked = replace(self.options, begun=time.monotonic(), **changes)
        return run("cells", asked, self.heard)

    def prepare(self, plan: Plan, *_: Any) -> SimpleNamespace:
        dataset = SimpleNamespace(labels=np.array([0, 0, 1, 1]), class_names=("round", "flat"))
        return SimpleNamespace(
            plan=plan,
            fingerprint=self.fingerprint,
            trainer=self.trainer,
            dataset=dataset,
            check=StudyCheck(dataset="0123", certificate=Certificate(n_images=4)),
            close=self.close,
        )

    def close(self) -> None:
        self.closed_at.append(self.refits)

    def refit(self, prepared: Any, session: Any, *_: Any, accept: bool) -> Path:
        del prepared
        assert not accept
        self.refits += 1
        self.in_refit()
        bundle_dir: Path = session.bundle_dir
        return bundle_dir


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    for name in ("BCSEARCH_DATA", "BCSEARCH_STORAGE"):
        monkeypatch.delenv(name, raising=False)
    for name, text in {"sweeps/cells.toml": SWEEP, "search_spaces/toy.toml": SPACE}.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    made = Bench(
        options=RunOptions(sweeps_dir=tmp_path / "sweeps", results_dir=tmp_path / "results")
    )
    for module in ("run", "opening"):
        monkeypatch.setattr(f"bcsearch.study.{module}.prepare", made.prepare)
    monkeypatch.setattr("bcsearch.study.run.ensure_refitted", made.refit)
    monkeypatch.setattr("bcsearch.study.run.estimate_refit", lambda *_: made.refit_seconds)
    return made


def test_run_uses_up_the_budget_and_refits_once(bench: Bench) -> None:
    result = bench.run()
    assert result.bundle == bench.options.results_dir / "cells" / "model"
    assert (result.study, len(bench.trainer.calls), bench.refits) == ("cells", 4, 1)
    known = bench.heard.of(BudgetKnown)  # of the whole study, before and after every trial
    assert known[0] == BudgetKnown(trials=4, filled=0, best=None)
    assert sorted({each.filled for each in known}) == [0, 1, 2, 3, 4]
    assert known[-1].best == max(each.best or 0.0 for each in known)


def test_the_cache_is_given_back_once_after_the_refit_and_after_an_error(bench: Bench) -> None:
    bench.run()
    assert bench.closed_at == [1]

    def broken() -> None:
        raise DiskError("full")

    bench.in_refit = broken
    with pytest.raises(DiskError):
        bench.run()
    assert bench.closed_at == [1, 2]


def test_minutes_end_the_search_in_time_with_the_refit_included(bench: Bench) -> None:
    bench.trainer.seconds, bench.refit_seconds = 0.05, 1.0
    begun: list[float] = []
    bench.in_refit = lambda: begun.append(time.monotonic())
    started = time.monotonic()
    result = bench.run(minutes=4.0 / 60, trials=500)
    assert begun[0] - started < 4.0  # a second was kept free for it
    assert (result.bundle is not None, bench.refits) == (True, 1)
    assert 1 <= len(bench.trainer.calls) < 100


def test_minutes_without_trials_let_the_budget_grow(bench: Bench) -> None:
    bench.trainer.seconds = 0.02
    bench.run(minutes=6.0 / 60)
    assert len(bench.trainer.calls) > 4  # which the sweep asks for
    before = len(bench.trainer.calls)
    record = read_study(database_of(bench.options), "cells")
    assert 0 <= record.trials_wanted - record.slots_filled <= 1  # the time may end in a trial
    assert bench.heard.of(BudgetKnown)[-1].trials == record.trials_wanted
    bench.run(minutes=6.0 / 60)  # the same command goes on
    assert len(bench.trainer.calls) > before
    assert bench.refits == 2


def test_one_trial_is_trained_however_short_the_time_and_the_overrun_is_said(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bcsearch.study.run.LEAST_OVERRUN_SECONDS", 0.0)
    bench.trainer.seconds = 0.1
    result = bench.run(minutes=0.001)
    assert (len(bench.trainer.calls), bench.refits) == (1, 1)
    assert result.bundle is not None
    (line,) = [each.text for each in bench.heard.of(Notice) if "--minutes" in each.text]
    assert line.startswith("this took ")


def test_time_left_is_estimated_after_every_trial(bench: Bench) -> None:
    bench.trainer.seconds = 0.02
    bench.run()
    left = [event.seconds for event in bench.heard.of(TimeLeft)]
    assert len(left) >= 4
    assert left[-1] == 0.0
    assert left[0] > 0.0


def test_device_is_chosen_before_weights_are_tried_out() -> None:
    """TensorFlow takes no other device once it has computed anything."""
    code = """
import bcsearch.study.run
from tensorflow.python.eager import context
raise SystemExit(context.context()._context_handle is not None)
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_second_run_resumes_and_says_so(bench: Bench) -> None:
    bench.run()
    bench.heard.events.clear()
    bench.run(trials=6)
    assert len(bench.trainer.calls) == 6
    known = bench.heard.of(BudgetKnown)[0]
    assert (known.trials, known.filled) == (6, 4)
    assert known.best is not None
    assert any("4 of 6 trials are done" in notice.text for notice in bench.heard.of(Notice))


def test_run_of_a_finished_study_says_how_to_get_more(bench: Bench) -> None:
    bench.run()
    bench.heard.events.clear()
    bench.run()
    assert len(bench.trainer.calls) == 4
    assert any(
        "all 4 trials are done" in notice.text and "--trials" in notice.text
        for notice in bench.heard.of(Notice)
    )


def test_run_with_other_settings_of_the_search_says_that_the_study_keeps_its_own(
    bench: Bench,
) -> None:
    bench.run(settings=["search.startup_trials=3"])
    bench.heard.events.clear()
    bench.run(settings=["search.startup_trials=3", "search.trials=5"])
    assert not [each for each in bench.heard.of(Notice) if "keeps" in each.text]
    assert len(bench.trainer.calls) == 5
    bench.run(seed=3)
    told = [each.text for each in bench.heard.of(Notice) if "keeps" in each.text]
    assert told == ["study 'cells' keeps the [search] that it was made with"]


def test_fresh_run_starts_anew_and_keeps_the_old_study(bench: Bench) -> None:
    assert [bench.run().study, bench.run(fresh=True).study, bench.run().study] == [
        "cells",
        "cells-2",
        "cells-2",
    ]
    assert len(bench.trainer.calls) == 8


def test_ctrl_c_in_the_refit_ends_the_run_and_the_next_run_only_refits(bench: Bench) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    bench.in_refit = interrupt
    assert bench.run().bundle is None
    bench.in_refit = lambda: None
    assert bench.run().bundle is not None
    assert (len(bench.trainer.calls), bench.refits) == (4, 2)


@pytest.mark.parametrize(
    ("own_database", "lost", "left"),
    [
        (
            True,
            "database .* was deleted or moved during the run: the trials .* are lost",
            "so are their files",
        ),
        (
            False,
            "files of its trials in .* were deleted .*probabilities are lost",
            "trials and scores are still",
        ),
    ],
    ids=["with the database", "database elsewhere"],
)
@pytest.mark.parametrize("moment", ["search", "refit"])
def test_results_deleted_during_a_run_are_an_error_that_says_what_is_lost(
    bench: Bench, tmp_path: Path, own_database: bool, lost: str, left: str, moment: str
) -> None:
    changes = {} if own_database else {"storage": f"sqlite:///{tmp_path}/elsewhere.db"}

    def delete(epoch: int = 1) -> None:
        if epoch == 1:
            shutil.rmtree(bench.options.results_dir, ignore_errors=True)

    if moment == "search":
        bench.trainer.during = delete
    else:
        bench.in_refit = delete
    with pytest.raises(DiskError, match=lost) as caught:
        bench.run(**changes)
    assert left in str(caught.value)
    assert "run the same command again" in str(caught.value)
    bench.trainer.during, bench.in_refit = (lambda epoch: None), (lambda: None)
    assert bench.run(**changes).bundle is not None


def test_other_fingerprint_is_refused_before_anything_is_trained(bench: Bench) -> None:
    bench.run(trials=1)
    bench.fingerprint = {**FINGERPRINT, "training.epochs": "9"}
    with pytest.raises(StudyError, match=r"training\.epochs was 5, is 9"):
        bench.run()
    assert len(bench.trainer.calls) == 1
    assert bench.run(fresh=True).study == "cells-2"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of half a megabyte; skip where that is not allowed."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(place)]
    if (
        os.geteuid() != 0
        or subprocess.run(command, capture_output=True, check=False).returncode != 0
    ):
        pytest.skip("only root may mount a small disk, and not in every container")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_disk_that_fills_up_ends_the_run_in_one_line(
    bench: Bench, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bcsearch.study.opening.ROOM_BYTES", 0)

    def fill(epoch: int) -> None:
        with suppress(OSError):
            (small_disk / "ballast").write_bytes(bytes(2**20))

    bench.trainer.during = fill
    with pytest.raises(BcsearchError) as caught:
        bench.run(results_dir=small_disk)
    assert isinstance(caught.value, DiskError)
    assert (small_disk / "ballast").exists()
    assert "\n" not in str(caught.value)
