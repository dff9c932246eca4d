from __future__ import annotations

from dataclasses import replace

from bcsearch.data.info import DataInfo
from bcsearch.report.dataset import dataset_text

INFO = DataInfo(
    source="cells.npz",
    drawn=False,
    n_images=4,
    height=96,
    width=64,
    class_names=("basophil", "platelet"),
    class_counts=(3, 1),
    n_groups=None,
    value_min=2,
    value_max=250,
    channel_means=(100.0, 50.25, 7.0),
    channel_stds=(1.0, 2.0, 3.0),
    fingerprint="0123456789abcdef",
)


def test_dataset_in_lines() -> None:
    assert dataset_text(INFO).splitlines() == [
        "cells.npz: 4 images of 96x64 RGB, 2 classes",
        "  basophil  3  (75.0%)",
        "  platelet  1  (25.0%)",
        "accuracy of always saying basophil: 0.7500",
        "values 2 to 250",
        "mean of red, green, blue 100.0 50.2 7.0, standard deviation 1.0 2.0 3.0",
        "fingerprint 0123456789abcdef",
    ]


def test_groups_are_counted_where_there_are_some() -> None:
    assert dataset_text(replace(INFO, n_groups=2)).splitlines()[0].endswith("2 classes, 2 groups")


def test_drawn_images_are_never_called_real() -> None:
    first = dataset_text(replace(INFO, drawn=True)).splitlines()[0]
    assert "4 DRAWN images" in first
    assert first.endswith(", no real ones")
