"""The table of backbones as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.report.columns import aligned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bcsearch.records.backbones import BackboneFacts


def backbones_text(found: Iterable[BackboneFacts], image_size: int) -> str:
    """Return backbones, a line each; ``image_size`` is what speeds and cuts are of, in pixels."""
    rows = []
    for facts in found:
        speed = ""
        if facts.images_per_second is not None:
            speed = f"{facts.images_per_second:.0f}"
        parameters = f"{facts.parameters:,}"
        size, cuts = str(facts.natural_size), str(len(facts.cuts))
        rows.append((facts.name, parameters, size, cuts, speed, facts.weights))
    headings = (
        "backbone",
        "parameters",
        "made for",
        "cuts",
        f"images/s at {image_size}",
        "weights",
    )
    return aligned(rows, headings, right=(1, 2, 3, 4))


def cuts_text(facts: BackboneFacts) -> str:
    """Return the cuts of one backbone, a line each: what is trained above and what is cached."""
    rows = []
    for cut in facts.cuts:
        shape = "x".join(map(str, cut.shape))
        rows.append((f"{cut.trained:.4f}", str(cut.layers), shape, cut.name))
    headings = ("unfreeze_fraction", "layers above", "activation", "cut")
    return f"{facts.name}\n{aligned(rows, headings, right=(0, 1, 2))}"
