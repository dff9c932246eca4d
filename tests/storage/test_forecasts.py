from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bcsearch.records.forecast import PassCost
from bcsearch.storage.forecasts import keep_forecast, kept_forecast
from tests.fakes import make_forecast, make_plan, open_desk

if TYPE_CHECKING:
    from pathlib import Path

ROW = PassCost(
    backbone="custom", image_size=96, cut="pooled", trained=0.0, view="original", passes=1, seconds=1.0,
    cache_bytes=1, kept=False,
)  # fmt: skip


def test_forecast_is_kept_with_its_study_without_its_rows(tmp_path: Path) -> None:
    study = open_desk(tmp_path, make_plan()).study
    assert kept_forecast(study) is None
    forecast = make_forecast(30, wanted=40, left_out=("image_size 160", "views above 4"))
    forecast = replace(forecast, work=replace(forecast.work, between=(45.0, 150.0)))
    keep_forecast(study, replace(forecast, rows=(ROW,)))
    assert kept_forecast(study) == forecast
