from __future__ import annotations

from dataclasses import replace

import pytest

from bcsearch.records.forecast import EpochCost, PassCost, Work
from bcsearch.report.forecast import comparison, forecast_text, left_out_text, total_text, work_text
from tests.fakes import make_forecast

VIEW = PassCost(
    backbone="", image_size=0, cut="input", trained=1.0, view="light 1", passes=0, seconds=6.0,
    cache_bytes=33_177_600, kept=False,
)  # fmt: skip
PASS = replace(
    VIEW, backbone="convnext_tiny", image_size=96, cut="pooled", trained=0.0, passes=1200, seconds=120.0,
    cache_bytes=1_843_200,
)  # fmt: skip
EPOCH = EpochCost(
    backbone="convnext_tiny", image_size=96, cut="add_16", trained=0.17, seconds=12.345
)
KEPT = replace(PASS, view="original", passes=0, seconds=0.0, cache_bytes=0, kept=True)


def test_total_says_minutes_cache_passes_and_the_dear_parts() -> None:
    assert total_text(make_forecast(30)) == (
        "30 trials take about 90 seconds, 1.5 MB of cache, 2,400 passes on this machine by one worker: "
        "30 seconds computing what is kept, 45 seconds training, 15 seconds loading, tracing and writing"
    )


def test_cost_that_is_expected_is_told_with_its_lowest_and_highest() -> None:
    work = replace(make_forecast(30).work, between=(45.0, 150.0))
    assert (
        work_text(work) == "90 seconds (45 seconds to 2.5 minutes), 1.5 MB of cache, 2,400 passes"
    )


@pytest.mark.parametrize(
    ("left_out", "trials", "said"),
    [
        ((), 40, []),
        (
            ("image_size 160", "views 8"),
            40,
            ["left out to fit, the dearest first: image_size 160, views 8"],
        ),
        ((), 30, ["only 30 of 40 trials fit: the study gets 30"]),
    ],
)
def test_what_was_left_out_is_said_plainly(
    left_out: tuple[str, ...], trials: int, said: list[str]
) -> None:
    assert left_out_text(make_forecast(trials, wanted=40, left_out=left_out)) == said


def test_tables_have_a_row_for_what_is_computed_once_and_for_what_is_trained() -> None:
    whole = replace(make_forecast(30), rows=(VIEW, PASS, KEPT), epochs=(EPOCH,))
    header, view, passed, kept, _, heading, epoch, _, note, total = forecast_text(
        whole
    ).splitlines()
    assert header.split() == [
        "backbone",
        "pixels",
        "cut",
        "trained",
        "view",
        "passes",
        "minutes",
        "cache",
    ]
    assert view.split() == ["all", "images", "light", "1", "0.10", "33.2", "MB"]
    assert passed.split() == [
        "convnext_tiny",
        "96",
        "pooled",
        "0.00",
        "light",
        "1",
        "1,200",
        "2.00",
        "1.8",
        "MB",
    ]
    assert kept.endswith("kept already")
    assert heading.endswith("trained  seconds an epoch of all folds")
    assert epoch.split() == ["convnext_tiny", "96", "add_16", "0.17", "12.35"]
    assert note.endswith("the total is for 30 trials:")
    assert total == total_text(make_forecast(30))


def test_plan_and_what_it_came_to_stand_beside_each_other() -> None:
    planned, real = make_forecast(30).work, Work(seconds=150.0, cache_bytes=1_400_000, passes=2300)
    assert comparison(planned, real, supervised=False) == (
        "planned 90 seconds, 1.5 MB of cache, 2,400 passes; "
        "took 2.5 minutes over all workers, 1.4 MB and 2,300 passes in this one"
    )
    assert comparison(planned, real, supervised=True).endswith(
        "passes; took 2.5 minutes over all workers"
    )
