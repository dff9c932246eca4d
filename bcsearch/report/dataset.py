"""A dataset described in lines. Imports the data floor's record for types only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bcsearch.data.info import DataInfo


def dataset_text(info: DataInfo) -> str:
    """Return shape, classes, counts, values and fingerprint in lines."""
    kind = "DRAWN images" if info.drawn else "images"
    warning = ", no real ones" if info.drawn else ""
    groups = "" if info.n_groups is None else f", {info.n_groups} groups"
    width = max(len(name) for name in info.class_names)
    counts = zip(info.class_names, info.class_counts, strict=True)
    size = f"{info.height}x{info.width} RGB"
    lines = [
        f"{info.source}: {info.n_images} {kind} of {size}, {len(info.class_names)} classes{groups}{warning}",
        *(f"  {name:<{width}} {count:>7} ({count / info.n_images:.1%})" for name, count in counts),
        f"values {info.value_min} to {info.value_max}",
        f"mean of red, green, blue {_numbers(info.channel_means)}, standard deviation {_numbers(info.channel_stds)}",
        f"fingerprint {info.fingerprint}",
    ]
    return "\n".join(lines)


def _numbers(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.1f}" for value in values)
