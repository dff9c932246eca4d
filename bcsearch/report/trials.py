"""The table of trials that a terminal shows while a study runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.table import Table

from bcsearch.recipe import BY_NAME, PARTS, Params
from bcsearch.records import TrialState
from bcsearch.report.columns import short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


STYLES = {TrialState.COMPLETE: "green", TrialState.PRUNED: "dim", TrialState.RUNNING: "bold cyan"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is shown of one trial.

    Attributes:
        scores: best fold means so far, by the name of the score.
        seconds: of the whole trial; None while it runs.
        training: the part of ``seconds`` that its epochs took; None where it was not measured.
    """

    number: int
    params: Params
    state: TrialState = TrialState.RUNNING
    scores: Mapping[str, float] = field(default_factory=dict)
    epochs: int | None = 0  # None where that is not known
    seconds: float | None = None
    training: float | None = None


def trials_table(rows: Sequence[Row], score: str, best: int | None, width: int) -> Table:
    """Return a table of trials, one a row.

    Args:
        rows: the trials.
        score: the name of the score that trials are ranked by.
        best: the number of the trial that stands out.
        width: columns of the terminal; where it is wide enough, other scores are shown too.
    """
    names = _scores_shown(rows, score, width)
    table = Table(box=None, pad_edge=False, expand=True)
    for heading in ("trial", "state", *names, "epochs", "seconds", "training"):
        table.add_column(heading, justify="right", no_wrap=True, min_width=8)
    table.columns[1].justify = "left"
    table.add_column("configuration", overflow="ellipsis", no_wrap=True, ratio=1)
    for row in rows:
        style = STYLES.get(row.state, "")
        if row.number == best:
            style = "bold green"
        scores = [number(row.scores.get(name), 4) for name in names]
        times = [number(row.seconds, 1), number(row.training, 1)]
        configuration = configuration_text(row.params)
        cells = [
            str(row.number),
            row.state.value,
            *scores,
            number(row.epochs, 0),
            *times,
            configuration,
        ]
        table.add_row(*cells, style=style)
    return table


def number(value: float | None, digits: int) -> str:
    """Return a number with fixed digits; nothing for None."""
    if value is None:
        return ""
    return f"{value:.{digits}f}"


def configuration_text(params: Params) -> str:
    """Return the parameters that act and differ from their defaults, the widths first."""
    acting = params.acting
    differing = {name: value for name, value in acting.items() if value != BY_NAME[name].default}
    for part in PARTS:  # one name for all layers, where they are alike
        names = [name for name in part.sets if name in acting]
        values = {differing.get(name) for name in names}
        if len(names) > 1 and len(values) == 1 and None not in values:
            differing[part.name] = differing[names[0]]
            for name in names:
                del differing[name]
    texts = ["-".join(map(str, params.units)) or "linear"]
    for name, value in differing.items():
        if not name.startswith(("units_", "head_", "views")):
            texts.append(f"{name}={short(value, 2)}")
    return " ".join(texts)


def _scores_shown(rows: Sequence[Row], score: str, width: int) -> list[str]:
    """Return the ranking score, then those others for which the terminal is wide enough."""
    names = [score]
    room = width - 96  # what the other columns take, the configuration among them
    known = dict.fromkeys(name for row in rows for name in row.scores)
    for name in known:
        taken = max(len(name), 8) + 1
        if name != score and taken <= room:
            names.append(name)
            room -= taken
    return names
