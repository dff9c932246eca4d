"""The table of backbones in lines. Imports records only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bcsearch.records.backbones import BackboneFacts

LINE = "{:<22}{:>12}{:>10}{:>6}{:>16}  {}"


def backbones_heading(image_size: int) -> str:
    """Return the names of the columns; ``image_size`` is what speeds and cuts are of, in pixels."""
    return LINE.format(
        "backbone", "parameters", "made for", "cuts", f"images/s at {image_size}", "weights"
    )


def backbone_line(facts: BackboneFacts) -> str:
    """Return one backbone in a line."""
    speed = "" if facts.images_per_second is None else f"{facts.images_per_second:.0f}"
    return LINE.format(
        facts.name,
        f"{facts.parameters:,}",
        facts.natural_size,
        len(facts.cuts),
        speed,
        facts.weights,
    ).rstrip()


def cuts_text(facts: BackboneFacts) -> str:
    """Return the cuts of one backbone, a line each: the share of it that is trained above, and what is kept there."""
    lines = []
    for cut in facts.cuts:
        shape = "x".join(map(str, cut.shape))
        lines.append(
            f"  unfreeze_fraction {cut.trained:.4f}  {cut.layers:>4} layers  {shape:>12}  {cut.name}"
        )
    return "\n".join(lines)
