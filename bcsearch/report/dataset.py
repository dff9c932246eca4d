"""A dataset described as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.report.columns import aligned

if TYPE_CHECKING:
    from bcsearch.data.info import DataInfo


def dataset_text(info: DataInfo) -> str:
    """Return shape, classes, counts, values and fingerprint in lines."""
    title = f"{info.n_images} images"
    note = ""
    if info.drawn:
        title = f"{info.n_images} DRAWN images"
        note = ", no real ones"
    groups = ""
    if info.n_groups is not None:
        groups = f", {info.n_groups} groups"
    counts = []
    for name, count in zip(info.class_names, info.class_counts, strict=True):
        counts.append((f"  {name}", str(count), f"({count / info.n_images:.1%})"))
    lines = [
        f"{info.source}: {title} of {info.height}x{info.width} RGB, "
        f"{len(info.class_names)} classes{groups}{note}",
        aligned(counts, ("", "", ""), right=(1, 2)),
        f"values {info.value_min} to {info.value_max}",
        f"mean of red, green, blue {_numbers(info.channel_means)}, "
        f"standard deviation {_numbers(info.channel_stds)}",
        f"fingerprint {info.fingerprint}",
    ]
    return "\n".join(lines)


def _numbers(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.1f}" for value in values)
