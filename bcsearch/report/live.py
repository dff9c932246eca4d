"""The live view of a run: a table of trials in a terminal, plain lines elsewhere.

Imports rich and records.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bcsearch.recipe import Params
from bcsearch.records import TrialState
from bcsearch.records.events import (
    BudgetKnown,
    EpochEnded,
    Event,
    Notice,
    Progress,
    TrialEnded,
    TrialInfeasible,
    TrialLost,
    TrialReleased,
    TrialStarted,
)

if TYPE_CHECKING:
    from types import TracebackType

    from bcsearch.records.events import Listener

ROWS_SHOWN = 12
COLUMNS = ("trial", "state", "score", "epochs", "seconds", "training")
STYLES = {TrialState.COMPLETE: "green", TrialState.PRUNED: "dim", TrialState.RUNNING: "bold cyan"}
BEST_STYLE = "bold green"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is shown of one trial.

    ``score`` is the best fold mean so far, ``training`` a part of ``seconds``.
    """

    number: int
    params: Params
    state: TrialState = TrialState.RUNNING
    score: float | None = None
    epochs: int = 0
    seconds: float | None = None
    training: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The highest score of a completed trial, and its trial where that is known."""

    score: float
    number: int | None

    def __str__(self) -> str:
        where = "" if self.number is None else f" in trial {self.number}"
        return f"{self.score:.4f}{where}"


class LiveView:
    """Listens to a run and shows it; a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rows: dict[int, Row] = {}
        self._wanted = self._filled = 0
        self._best: Best | None = None
        self._work = ""
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._work = ""
        if self._live:
            self._refresh()
            self._live.stop()

    def __call__(self, event: Event) -> None:
        """Show an event."""
        match event:
            case BudgetKnown():
                self._wanted, self._filled = event.trials, event.filled
                self._best = (
                    None if event.best is None else Best(score=event.best, number=event.best_number)
                )
            case TrialStarted():
                self._rows[event.number] = Row(number=event.number, params=event.params)
            case EpochEnded():
                row = self._rows[event.number]
                self._rows[event.number] = replace(row, score=event.best, epochs=event.epoch + 1)
            case TrialEnded():
                self._end(event)
            case TrialInfeasible() | TrialReleased() | TrialLost():
                self._drop(event)
            case Progress():
                self._show_work(event)
            case Notice():
                self._say(event.text)
        self._refresh()

    def _end(self, event: TrialEnded) -> None:
        row = replace(
            self._rows[event.number],
            state=event.state,
            score=event.score,
            epochs=event.epochs,
            seconds=event.seconds,
            training=event.train_seconds,
        )
        self._rows[event.number] = row
        self._filled += 1
        if event.state is TrialState.COMPLETE and (
            self._best is None or event.score > self._best.score
        ):
            self._best = Best(score=event.score, number=event.number)
        if not self._live:
            self._say(
                f"trial {row.number} {row.state} {event.score:.4f}, {row.epochs} epochs, {_seconds_text(row)}"
            )

    def _drop(self, event: TrialInfeasible | TrialReleased | TrialLost) -> None:
        self._rows.pop(event.number, None)
        match event:
            case TrialInfeasible():
                self._filled += 1
                self._say(f"trial {event.number} infeasible: {event.reason}")
            case TrialReleased():
                self._say(f"trial {event.number} released: it goes on when the study does")
            case TrialLost():
                self._say(f"trial {event.number} was ended by another worker; going on")

    def _show_work(self, event: Progress) -> None:
        done = event.done >= event.total
        self._work = "" if done else f"{event.what}: {event.done} of {event.total}"
        if done and not self._live:
            self._say(f"{event.what}: {event.total} done")

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _refresh(self) -> None:
        if self._live:
            self._live.update(self, refresh=True)

    def __rich__(self) -> RenderableType:
        """Return the view as it stands: the best trial and the last ones, a headline, the work that goes on."""
        best = None if self._best is None else self._best.number
        tables = (
            [trials_table(self._shown(), best)] if self._rows else []
        )  # none where other processes run the trials
        come = f"{self._filled} of {self._wanted} trials, best score {self._best or 'none yet'}"
        headlines = (
            [Text(come, style="bold")] if self._wanted or self._rows else []
        )  # none before a study is at hand
        return Group(*tables, *headlines, Text(self._work, style="yellow"))

    def _shown(self) -> list[Row]:
        """Return the last rows; where the best trial's is an earlier one, it stands above them."""
        rows = list(self._rows.values())
        best = (
            None
            if self._best is None or self._best.number is None
            else self._rows.get(self._best.number)
        )
        last = rows[-ROWS_SHOWN:]
        return last if best is None or best in last else [best, *rows[-ROWS_SHOWN + 1 :]]


def notices_only(view: LiveView) -> Listener:
    """Return a listener that lets through only what the user should read."""
    return lambda event: view(event) if isinstance(event, Notice) else None


def trials_table(rows: list[Row], best: int | None = None) -> Table:
    """Return a table of trials, one a row; trial ``best`` stands out."""
    table = Table(box=None, pad_edge=False, expand=True)
    for name in COLUMNS:
        justify: Literal["left", "right"] = "left" if name == "state" else "right"
        table.add_column(name, justify=justify, no_wrap=True, min_width=8)
    table.add_column("configuration", overflow="ellipsis", no_wrap=True, ratio=1)
    for row in rows:
        numbers = [
            number(row.score, 4),
            str(row.epochs),
            number(row.seconds, 1),
            number(row.training, 1),
        ]
        cells = [str(row.number), row.state.value, *numbers, configuration_text(row.params)]
        table.add_row(*cells, style=BEST_STYLE if row.number == best else STYLES.get(row.state, ""))
    return table


def number(value: float | None, digits: int) -> str:
    """Return a number with fixed digits; nothing for None."""
    return "" if value is None else f"{value:.{digits}f}"


def configuration_text(params: Params) -> str:
    """Return the parameters of a canonical configuration that differ from the defaults, the widths first."""
    defaults = dict(Params())
    widths = "-".join(map(str, params.units)) or "linear"
    others = {
        name: value
        for name, value in dict(params).items()
        if not name.startswith(("units_", "head_", "views"))
    }
    differing = [
        f"{name}={_short(value)}" for name, value in others.items() if value != defaults[name]
    ]
    return " ".join([widths, *differing])


def _seconds_text(row: Row) -> str:
    """Say how much of a trial's time was training.

    Most of the rest is work whose result is kept for other trials.
    """
    training = "" if row.training is None else f" ({row.training:.1f} s training)"
    return f"{number(row.seconds, 1)} s{training}"


def _short(value: str | int | float) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)
