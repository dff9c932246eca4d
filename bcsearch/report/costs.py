"""What a study costs as text: tables of passes and of epochs, then the range of the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.records.sizes import size_text, time_text
from bcsearch.report.columns import aligned

if TYPE_CHECKING:
    from bcsearch.records.costs import EpochCost, PassCost, StudyCosts


def costs_text(costs: StudyCosts) -> str:
    """Return what is computed once, what an epoch takes, and the range of the whole study."""
    places = ("backbone", "pixels", "cut", "unfrozen")
    passes = aligned(
        [_pass_cells(row) for row in costs.rows],
        (*places, "view", "passes", "MB", "seconds"),
        right=(1, 3, 5, 6, 7),
    )
    epochs = aligned(
        [(*_place(row), f"{row.seconds:.2f}") for row in costs.epochs],
        (*places, "seconds an epoch of all folds"),
        right=(1, 3, 4),
    )
    once = f"{costs.passes:,} passes, {size_text(costs.cache_bytes)} of cache"
    least, most = time_text(costs.least_seconds), time_text(costs.most_seconds)
    lines = (
        "computed once and kept, if every choice of the space is tried:",
        passes,
        "",
        "training:",
        epochs,
        "",
        f"in all {once}, {time_text(costs.pass_seconds)}, if every choice is tried",
        *_fresh_lines(costs),
        f"{costs.trials} trials on this machine by one worker, passes included:",
        f"  from {least} (every trial ends after {_epochs(costs.fewest_epochs)})",
        f"  to {most} (every trial trains all {_epochs(costs.most_epochs)})",
        f"the end takes up to {100 * costs.end_share:.0f} % more ([final] repeat_share and share), "
        "and the refit",
    )
    return "\n".join(lines)


def _fresh_lines(costs: StudyCosts) -> list[str]:
    if not costs.most_fresh_passes:
        return []
    what = f"fresh in every epoch of a trial and kept nowhere: {costs.most_fresh_passes:,} passes"
    return [f"{what} at most, in the seconds of the epochs"]


def _place(row: PassCost | EpochCost) -> tuple[str, ...]:
    return row.backbone, str(row.image_size), row.cut, f"{row.unfrozen:.2f}"


def _pass_cells(row: PassCost) -> tuple[str, ...]:
    place = _place(row)
    if not row.backbone:
        place = ("all", str(row.image_size), "images", "")
    if row.kept:
        return (*place, row.view, "", "", "kept already")
    return (
        *place,
        row.view,
        f"{row.passes:,}",
        f"{row.cache_bytes / 1e6:,.1f}",
        f"{row.seconds:.1f}",
    )


def _epochs(count: int) -> str:
    if count == 1:
        return "1 epoch"
    return f"{count} epochs"
