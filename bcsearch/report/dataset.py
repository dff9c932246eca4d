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
    largest = info.class_counts.index(max(info.class_counts))
    counts = []
    for name, count in zip(info.class_names, info.class_counts, strict=True):
        counts.append((f"  {name}", str(count), f"({count / info.n_images:.1%})"))
    parts = ""
    if info.n_valid:
        parts += f", {info.n_valid} of them to validate on"
    if info.n_test:
        parts += f", and {info.n_test} to test on"
    lines = [
        f"{info.source}: {title} of {_sizes(info)} RGB, "
        f"{len(info.class_names)} classes{groups}{parts}{note}",
        *(f"  {line}" for line in info.notes),
        aligned(counts, ("", "", ""), right=(1, 2)),
        f"accuracy of always saying {info.class_names[largest]}: {info.largest_share:.4f}",
        f"values {info.value_min} to {info.value_max}",
        f"mean of red, green, blue {_numbers(info.channel_means)}, "
        f"standard deviation {_numbers(info.channel_stds)}",
        f"fingerprint {info.fingerprint}",
    ]
    return "\n".join(lines)


def _sizes(info: DataInfo) -> str:
    """Return heights and widths as they came, and as they are read where that differs."""
    read = f"{info.height}x{info.width}"
    smallest, largest = ("x".join(map(str, size)) for size in (info.smallest, info.largest))
    if (info.smallest, info.largest) in (((0, 0), (0, 0)), ((info.height, info.width),) * 2):
        return read
    came = smallest if smallest == largest else f"{smallest} to {largest}"
    return f"{came}, read at {read} as the sweep's largest image_size asks,"


def _numbers(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.1f}" for value in values)
