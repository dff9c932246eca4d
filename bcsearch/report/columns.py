"""Aligns rows of text in columns, and writes the numbers in them."""

from __future__ import annotations

from io import StringIO
from statistics import mean, stdev
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence


def aligned(
    rows: Iterable[Sequence[str]], headings: Sequence[str], right: Collection[int] = ()
) -> str:
    """Return rows as plain lines with aligned columns, never cut or wrapped.

    Args:
        rows: the cells of every row, as many as there are headings.
        headings: of the columns; all empty for lines without a heading.
        right: the columns, counted from 0, that are aligned to the right.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=any(headings))
    for number, heading in enumerate(headings):
        table.add_column(heading, no_wrap=True)
        if number in right:
            table.columns[number].justify = "right"
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console(file=StringIO(), width=10_000, color_system=None)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def short(value: object, digits: int) -> str:
    """Return a value as text, numbers with a fraction rounded to so many significant digits."""
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    return str(value)


def spread_text(folds: Sequence[float]) -> str:
    """Return the mean over folds, and their standard deviation where there are several."""
    if len(folds) == 1:
        return f"{folds[0]:.4f}"
    return f"{mean(folds):.4f} ± {stdev(folds):.4f}"
