from __future__ import annotations

from dataclasses import replace

from bcsearch.records.backbones import BackboneFacts, CutFacts
from bcsearch.report.backbones import backbones_text, cuts_text

LITE = BackboneFacts(
    name="efficientnet_lite0",
    parameters=3_413_024,
    natural_size=224,
    image_size=96,
    cuts=(
        CutFacts(name="input", trained=1.0, layers=98, shape=(96, 96, 3)),
        CutFacts(name="pooled", trained=0.0, layers=0, shape=(1280,)),
    ),
    weights="imagenet",
    images_per_second=470.4,
)


def test_lines_stand_under_their_heading() -> None:
    heading, first, second = backbones_text([LITE, replace(LITE, name="b")], 96).splitlines()
    headings = "backbone parameters made for cuts images/s at 96 weights"
    assert " ".join(heading.split()) == headings
    assert first.split() == ["efficientnet_lite0", "3,413,024", "224", "2", "470", "imagenet"]
    assert second.split() == ["b", "3,413,024", "224", "2", "470", "imagenet"]
    assert heading.index("weights") == first.index("imagenet") == second.index("imagenet")


def test_speed_that_was_not_measured_is_left_empty() -> None:
    line = backbones_text([replace(LITE, images_per_second=None)], 96).splitlines()[-1]
    assert line.split()[-2:] == ["2", "imagenet"]


def test_cuts_say_what_is_trained_above_and_what_is_kept() -> None:
    name, heading, first, last = cuts_text(LITE).splitlines()
    assert name == "efficientnet_lite0"
    assert heading.split() == ["unfreeze_fraction", "layers", "above", "activation", "cut"]
    assert first.split() == ["1.0000", "98", "96x96x3", "input"]
    assert last.split() == ["0.0000", "0", "1280", "pooled"]
