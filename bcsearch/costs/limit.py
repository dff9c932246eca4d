"""Refuses a space that may need more cache than allowed, and says what would fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.costs.entries import Entry, entries_of
from bcsearch.costs.pool import all_points
from bcsearch.errors import ConfigError
from bcsearch.records.sizes import size_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.config import Plan
    from bcsearch.costs.pool import Candidate
    from bcsearch.training.trainer import Trainer

COSTLY = (
    "image_size", "views", "augment", "augment_strength", "preprocess", "circle_radius", "backbone",
    "unfreeze_fraction", "pooling",
)  # fmt: skip


def check_cache(plan: Plan, trainer: Trainer, most_bytes: int) -> None:
    """Refuse a space that may need more than ``most_bytes`` of cache besides what is kept.

    Raises:
        ConfigError: it may; the message names the values that need most, and what would fit.
    """
    pool = all_points(plan)
    entries = entries_of(pool, trainer, plan.sweep.training.epochs)
    n_images = len(trainer.features.images)

    def needed(rows: Sequence[int]) -> int:
        union: set[Entry] = set().union(*(entries[row] for row in rows))
        return n_images * sum(entry.image_bytes for entry in union if not entry.kept)

    whole = needed(range(len(pool)))
    if whole <= most_bytes:
        return
    rows: Sequence[int] = range(len(pool))
    removed: list[str] = []
    options = _options(plan, pool, rows)
    while options and needed(rows) > most_bytes and len(removed) < 5:
        best = min(options, key=lambda option: needed(options[option]))
        rows = options[best]
        removed.append(best)
        options = _options(plan, pool, rows)
    without = ""
    if removed:
        without = f", without {', '.join(removed)}"
    fits = f"what would fit{without}: {size_text(needed(rows))}"
    if needed(rows) > most_bytes:
        fits = f"the least that it can be{without}: {size_text(needed(rows))}"
    raise ConfigError(
        f"--max-cache: came {size_text(most_bytes)}, but this search space may need "
        f"{size_text(whole)}; {fits}; take that out of the space or allow more"
    )


def _options(plan: Plan, pool: Sequence[Candidate], rows: Sequence[int]) -> dict[str, list[int]]:
    """Return what is left of the pool without a value of a choice, or the upper half of a range."""
    found: dict[str, list[int]] = {}
    for name in COSTLY:
        values = {row: pool[row].values.get(name) for row in rows}
        distinct = sorted({value for value in values.values() if value is not None}, key=str)
        if len(distinct) < 2:
            continue
        if plan.space.varied[name].choice is None:
            numbers = [float(value) for value in distinct]
            middle = float(f"{(min(numbers) + max(numbers)) / 2:.2g}")
            kept = [row for row, value in values.items() if float(value or 0) <= middle]
            found[f"{name} above {middle:g}"] = kept
            continue
        for value in distinct:
            found[f"{name} = {value!r}"] = [row for row in rows if values[row] != value]
    return {text: kept for text, kept in found.items() if 0 < len(kept) < len(rows)}
