"""What a study will cost and did cost, in lines. Imports records only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.records.words import in_words, time_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.records.forecast import EpochCost, Forecast, PassCost, Work

PASSES = ("backbone", "pixels", "cut", "trained", "view", "passes", "minutes", "cache")
EPOCHS = ("backbone", "pixels", "cut", "trained", "seconds an epoch of all folds")
LEFT = ("backbone", "cut", "view")  # columns that are aligned at the left


def work_text(work: Work) -> str:
    """Return a cost in words."""
    between = "" if work.between is None else f" ({' to '.join(map(time_in_words, work.between))})"
    return f"{time_in_words(work.seconds)}{between}, {in_words(work.cache_bytes)} of cache, {work.passes:,} passes"


def total_text(forecast: Forecast) -> str:
    """Return the whole of a forecast in one line."""
    rest = forecast.work.seconds - forecast.prefix_seconds - forecast.training_seconds
    parts = {
        "computing what is kept": forecast.prefix_seconds,
        "training": forecast.training_seconds,
        "loading, tracing and writing": rest,
    }
    shares = ", ".join(f"{time_in_words(seconds)} {what}" for what, seconds in parts.items())
    return f"{forecast.trials} trials take about {work_text(forecast.work)} on this machine by one worker: {shares}"


def left_out_text(forecast: Forecast) -> list[str]:
    """Say what was left out to fit, a line each for choices and trials."""
    lines = []
    if forecast.left_out:
        lines.append(f"left out to fit, the dearest first: {', '.join(forecast.left_out)}")
    if forecast.trials < forecast.wanted:
        lines.append(
            f"only {forecast.trials} of {forecast.wanted} trials fit: the study gets {forecast.trials}"
        )
    return lines


def comparison(planned: Work, real: Work, *, supervised: bool) -> str:
    """Return a plan and what it came to in one line; cache and passes are known where this process did the work."""
    took = f"{time_in_words(real.seconds)} over all workers"
    here = (
        ""
        if supervised
        else f", {in_words(real.cache_bytes)} and {real.passes:,} passes in this one"
    )
    return f"planned {work_text(planned)}; took {took}{here}"


def forecast_text(forecast: Forecast) -> str:
    """Return a forecast as tables of what is computed once and of what training costs, and its total."""
    trained = [(*_place(row), f"{row.seconds:.2f}") for row in forecast.epochs]
    lines = [
        *_table(PASSES, [_cells(row) for row in forecast.rows]),
        "",
        *_table(EPOCHS, trained),
        "",
    ]
    note = f"the tables hold all that the space may ask for, the total is for {forecast.trials} trials:"
    return "\n".join([*lines, note, total_text(forecast), *left_out_text(forecast)])


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    return ["  ".join(_aligned(header, row, widths)).rstrip() for row in (header, *rows)]


def _place(row: PassCost | EpochCost) -> tuple[str, ...]:
    return row.backbone, str(row.image_size), row.cut, f"{row.trained:.2f}"


def _cells(row: PassCost) -> tuple[str, ...]:
    what = _place(row) if row.backbone else ("all", "", "images", "")
    if row.kept:
        return (*what, row.view, "", "", "kept already")
    passes = f"{row.passes:,}" if row.passes else ""
    return (*what, row.view, passes, f"{row.seconds / 60:.2f}", in_words(row.cache_bytes))


def _aligned(header: Sequence[str], row: Sequence[str], widths: Sequence[int]) -> list[str]:
    columns = zip(header, row, widths, strict=True)
    return [
        cell.ljust(width) if name in LEFT else cell.rjust(width) for name, cell, width in columns
    ]
