"""A whole run from a sweep file, with the fake trainer: its parts, and how it may end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from bcsearch.config.trim import removals_of, without

from bcsearch.config import RunOptions
from bcsearch.errors import BcsearchError, DiskError, StudyError
from bcsearch.records.events import BudgetKnown, Notice
from tests.fakes import FINGERPRINT, FakeTrainer, Recorder, make_forecast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bcsearch.records.forecast import Forecast

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
    in_refit: Callable[[], None] = lambda: None
    heard: Recorder = field(default_factory=Recorder)
    asked: RunOptions = field(default_factory=RunOptions)
    fits: int = 0
    order: list[str] = field(default_factory=list)
    told: int = 0

    def run(self, **changes: Any) -> RunResult:
        from bcsearch.study.run import run

        self.asked = replace(self.options, **changes)
        return run("cells", self.asked, self.heard)

    def open_device(self, *_: Any) -> None:
        self.order.append("device")

    def prepare(self, plan: Plan) -> SimpleNamespace:
        self.order.append("weights")
        dataset = SimpleNamespace(
            drawn=False, labels=np.array([0, 0, 1, 1]), class_names=("round", "flat")
        )
        return SimpleNamespace(plan=plan, fingerprint=self.fingerprint, dataset=dataset, weights={})

    def fit(self, plan: Plan, *_: Any) -> tuple[Plan, Forecast]:
        """Leave out the space's upper half and a trial where there are limits."""
        self.fits += 1
        trials = self.asked.trials or 4
        if self.asked.minutes is None:
            return plan, make_forecast(trials)
        fitted = without(plan.space, *removals_of(plan.space, "learning_rate", plan.space))
        return replace(plan, fitted=fitted), make_forecast(trials - 1, wanted=trials)

    def tell_costs(self, *_: Any, **__: Any) -> None:
        self.told += 1

    def refit(self, prepared: Any, trainer: Any, session: Any, *_: Any) -> Path:
        del prepared, trainer
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
    monkeypatch.setattr("bcsearch.study.run.open_device", made.open_device)
    monkeypatch.setattr("bcsearch.study.run.ensure_refitted", made.refit)
    monkeypatch.setattr("bcsearch.study.run.open_trainer", lambda *_: made.trainer)
    monkeypatch.setattr("bcsearch.study.opening.fitted_plan", made.fit)
    monkeypatch.setattr("bcsearch.study.run.tell_costs", made.tell_costs)
    return made


def test_run_uses_up_the_budget_and_refits_once(bench: Bench) -> None:
    result = bench.run()
    assert result.bundle == bench.options.results_dir / "cells" / "model"
    assert (result.study, len(bench.trainer.calls), bench.refits) == ("cells", 4, 1)
    assert bench.heard.of(BudgetKnown) == [BudgetKnown(trials=4, filled=0, best=None)]


def test_costs_are_forecast_once_and_told_when_the_study_ends(bench: Bench) -> None:
    bench.run(trials=2)
    assert (bench.fits, bench.told) == (1, 1)
    bench.run(trials=2)  # nothing was left to do
    bench.run(trials=3)
    assert (bench.fits, bench.told) == (1, 2)
    bench.run(fresh=True)
    assert bench.fits == 2


def test_trials_come_from_what_fits_and_the_same_command_goes_on_with_it(bench: Bench) -> None:
    def stop(epoch: int) -> None:
        if len(bench.trainer.calls) == 2 and epoch == 0:
            signal.raise_signal(signal.SIGINT)

    bench.trainer.during = stop
    assert bench.run(trials=5, minutes=1.0).bundle is None
    bench.trainer.during = lambda epoch: None
    assert bench.run(trials=5, minutes=1.0).bundle is not None
    assert bench.fits == 1
    highest = max(params.learning_rate for params in bench.trainer.calls)
    assert 1e-5 <= highest <= 0.05001  # the lower half of the range, to 0.1
    (notice,) = [notice.text for notice in bench.heard.of(Notice) if "--minutes" in notice.text]
    assert notice == "study 'cells' exists: --minutes and --max-cache act when a study is created"
    budgets = [known.trials for known in bench.heard.of(BudgetKnown)]
    assert budgets == [4, 4]  # one of the five did not fit
    for changes, trials in (
        ({"trials": 5}, 5),
        ({}, 5),
        ({"trials": 6, "minutes": 1.0}, 6),
    ):  # all can be asked for
        bench.run(**changes)
        assert bench.heard.of(BudgetKnown)[-1].trials == trials


def test_device_is_settled_before_weights_are_tried_out(bench: Bench) -> None:
    """TensorFlow takes no other device once it has computed anything."""
    bench.run()
    assert bench.order == ["device", "weights"]
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
    (known,) = bench.heard.of(BudgetKnown)
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
