from __future__ import annotations

from dataclasses import replace

from bcsearch.records.backbones import BackboneFacts, CutFacts
from bcsearch.report.backbones import backbone_line, backbones_heading, cuts_text

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


def test_line_stands_under_its_heading() -> None:
    heading, line = backbones_heading(96), backbone_line(LITE)
    assert heading.split() == [
        "backbone",
        "parameters",
        "made",
        "for",
        "cuts",
        "images/s",
        "at",
        "96",
        "weights",
    ]
    assert line.split() == ["efficientnet_lite0", "3,413,024", "224", "2", "470", "imagenet"]
    assert heading.index("weights") == line.index("imagenet")


def test_speed_that_was_not_measured_is_left_empty() -> None:
    assert backbone_line(replace(LITE, images_per_second=None)).split()[-2:] == ["2", "imagenet"]


def test_cuts_say_what_is_trained_above_and_what_is_kept() -> None:
    first, last = cuts_text(LITE).splitlines()
    assert first.split() == ["unfreeze_fraction", "1.0000", "98", "layers", "96x96x3", "input"]
    assert last.split() == ["unfreeze_fraction", "0.0000", "0", "layers", "1280", "pooled"]
