"""What is said of a forecast, and what is said at the end beside it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from bcsearch.records.events import Notice
from bcsearch.storage.forecasts import keep_forecast
from bcsearch.study.options import RunOptions
from tests.fakes import FakeTrainer, Recorder, make_forecast, make_plan, make_worker, open_desk

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from pathlib import Path

    from bcsearch.records.forecast import Forecast


def warnings(
    forecast: Forecast, root: Path, limit_bytes: int | None = None, **options: Any
) -> list[str]:
    from bcsearch.features.store import Store
    from bcsearch.study.forecasting import _warnings

    return _warnings(forecast, Store(root, limit_bytes), RunOptions(**options))


def test_a_short_study_with_room_is_not_warned_of(tmp_path: Path) -> None:
    assert warnings(make_forecast(30), tmp_path) == []


def test_too_little_room_on_the_disk_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bcsearch.study.forecasting.free_bytes", lambda _: 10**6)
    (line,) = warnings(make_forecast(30), tmp_path)
    assert line.startswith("warning: about 1.5 MB of cache are needed, 1.0 MB are free; ")
    assert "--max-cache" in line


def test_a_limit_below_what_is_needed_is_warned_of(tmp_path: Path) -> None:
    (line,) = warnings(make_forecast(30), tmp_path, limit_bytes=10**6)
    assert line.startswith("warning: about 1.5 MB of cache are needed, --cache-limit allows 1.0 MB")


def test_a_long_study_is_warned_of_unless_its_minutes_were_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bcsearch.study.forecasting.LONG_SECONDS", 80.0)
    (line,) = warnings(make_forecast(30), tmp_path)
    assert "--minutes 60" in line
    assert warnings(make_forecast(30), tmp_path, minutes=90.0) == []


@pytest.mark.parametrize("search", [{"sampler": "tpe", "startup_trials": 6}, {"sampler": "random"}])
def test_first_trials_are_known_beforehand(search: dict[str, Any], tmp_path: Path) -> None:
    from bcsearch.study.samplers import first_draws

    space = {
        "learning_rate": {"float": [1e-5, 1e-1], "log": True},
        "head_layers": {"int": [0, 2]},
        "units_1": {"choice": [32, 64], "when": {"head_layers": [1, 2]}},
        "image_size": 64,
    }
    plan = make_plan(space, search=search, start=[{"learning_rate": 0.003}])
    desk = open_desk(tmp_path, plan, trials=6)
    make_worker(desk, plan, FakeTrainer()).run()
    ran = [{"image_size": 64, **trial.params} for trial in desk.record().trials]
    assert first_draws(plan, 6) == ran
    assert first_draws(plan, 2) == ran[:2]


@pytest.mark.parametrize(("trials", "told"), [(4, True), (5, False)])
def test_costs_are_told_beside_the_forecast_of_the_same_budget(
    trials: int, told: bool, tmp_path: Path
) -> None:
    from bcsearch.study.forecasting import tell_costs

    plan = make_plan()
    desk = open_desk(tmp_path, plan, trials=4)
    keep_forecast(desk.study, make_forecast(trials))
    make_worker(desk, plan, FakeTrainer(seconds=0.02)).run()
    heard = Recorder()
    features = SimpleNamespace(passes=2300, store=SimpleNamespace(written_bytes=1_400_000))
    trainer: Any = SimpleNamespace(features=features)
    tell_costs(desk, 3000.0, trainer, heard)
    texts = [notice.text for notice in heard.of(Notice)]
    assert bool(texts) is told
    if told:
        assert texts == [
            "planned 90 seconds, 1.5 MB of cache, 2,400 passes; "
            "took 50.0 minutes over all workers, 1.4 MB and 2,300 passes in this one"
        ]
