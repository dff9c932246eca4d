from __future__ import annotations

from dataclasses import replace
from typing import Any

from bcsearch.records.costs import EpochCost, PassCost, StudyCosts
from bcsearch.report.costs import costs_text

PLACE: dict[str, Any] = {"backbone": "resnet50", "image_size": 96, "cut": "pooled", "unfrozen": 0.0}
NEW = PassCost(
    **PLACE, view="original", passes=4000, seconds=12.5, cache_bytes=16_000_000, kept=False
)
KEPT = PassCost(**PLACE, view="light 1", passes=0, seconds=0, cache_bytes=0, kept=True)
VIEW = PassCost(
    backbone="",
    image_size=96,
    cut="input",
    unfrozen=1.0,
    view="light 1",
    passes=0,
    seconds=2.0,
    cache_bytes=110_000_000,
    kept=False,
)
COSTS = StudyCosts(
    trials=30,
    rows=(VIEW, NEW, KEPT),
    epochs=(EpochCost(**PLACE, seconds=0.25),),
    fewest_epochs=1,
    most_epochs=40,
    least_seconds=30.0,
    most_seconds=600.0,
    end_share=0.3,
)


def lines_that_start(with_: str) -> list[list[str]]:
    return [line.split() for line in costs_text(COSTS).splitlines() if line.startswith(with_)]


def test_each_pass_is_a_line_with_its_passes_megabytes_and_seconds() -> None:
    (first, second, epoch) = lines_that_start("resnet50")
    assert first == ["resnet50", "96", "pooled", "0.00", "original", "4,000", "16.0", "12.5"]
    assert second == ["resnet50", "96", "pooled", "0.00", "light", "1", "kept", "already"]
    assert epoch == ["resnet50", "96", "pooled", "0.00", "0.25"]


def test_a_view_is_shared_by_all_backbones() -> None:
    assert lines_that_start("all") == [["all", "96", "images", "light", "1", "0", "110.0", "2.0"]]


def test_range_names_what_its_ends_are() -> None:
    assert costs_text(COSTS).splitlines()[-5:] == [
        "in all 4,000 passes, 126.0MB of cache, 14 seconds, if every choice is tried",
        "30 trials on this machine by one worker, passes included:",
        "  from 30 seconds (every trial ends after 1 epoch)",
        "  to 10.0 minutes (every trial trains all 40 epochs)",
        "the end takes up to 30 % more ([final] repeat_share and share), and the refit",
    ]


def test_passes_of_every_epoch_are_said_as_at_most() -> None:
    text = costs_text(replace(COSTS, most_fresh_passes=4_800_000))
    said = "fresh in every epoch of a trial and kept nowhere: 4,800,000 passes at most"
    assert said in text
    assert said not in costs_text(COSTS)
