"""The live view of a run: a table of trials in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.text import Text

from bcsearch.errors import one_line
from bcsearch.recipe import Params
from bcsearch.records import TrialState
from bcsearch.records.events import (
    BudgetKnown,
    EpochEnded,
    Event,
    Notice,
    Progress,
    TimeLeft,
    TrialEnded,
    TrialInfeasible,
    TrialLost,
    TrialReleased,
    TrialStarted,
)
from bcsearch.records.sizes import time_text
from bcsearch.report.trials import Row, number, trials_table

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

    from bcsearch.records.events import Listener

ROWS_SHOWN = 12
LONGEST_LINE = 2000  # letters of a line that scrolls past: it may hold paths and commands
SILENT_SECONDS = 60.0  # after which a line says what goes on, where there is no terminal
LINES: dict[type[Event], str] = {  # what is printed of an event, whether in a terminal or not
    TrialInfeasible: "trial {0.number} infeasible: {0.reason}",
    TrialReleased: "trial {0.number} released: it continues when the study does",
    TrialLost: "trial {0.number} was ended by another worker; going on",
    Notice: "{0.text}",
}


class LiveView:
    """Listens to a run and shows it; a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rows: dict[int, Row] = {}
        self._known = BudgetKnown(trials=0, filled=0, best=None)
        self._seconds_left: float | None = None
        self._bar = ProgressBar(
            TextColumn("{task.description}", style="yellow", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            auto_refresh=False,
        )
        self._printed = time.monotonic()
        self._live: Live | None = None
        if console.is_terminal:
            self._live = Live(console=console, auto_refresh=False)

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._clear_bar()
        if self._live:
            self._live.update(self, refresh=True)
            self._live.stop()

    def __call__(self, event: Event) -> None:
        """Show an event."""
        self._print_line(event)
        match event:
            case BudgetKnown():
                self._known = event
            case TimeLeft():
                self._seconds_left = event.seconds
            case TrialStarted():
                params = Params(**event.params)
                self._rows[event.number] = Row(number=event.number, params=params)
            case EpochEnded() | TrialEnded():
                self._clear_bar()  # of work that another process did meanwhile
                self._update_row(event)
            case TrialInfeasible() | TrialReleased() | TrialLost():
                self._rows.pop(event.number, None)
            case Progress():
                self._show_work(event)
        self._count(event)
        if self._live:
            self._live.update(self, refresh=True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the view as it is now: the best trial and the last ones, a headline, a bar."""
        known = self._known
        rows = list(self._rows.values())[-ROWS_SHOWN:]
        best = [row for row in self._rows.values() if row.number == known.best_number]
        if best and best[0] not in rows:  # it would have scrolled away
            rows = [*best, *rows[1:]]
        if rows:  # none where other processes run the trials
            yield trials_table(rows, known.score_name, known.best_number, options.max_width)
        if self.headline:
            yield Text(self.headline, style="bold")
        if self._bar.tasks:
            yield self._bar

    @property
    def headline(self) -> str:
        """How far the study is, and its best score; nothing before there is one."""
        known = self._known
        if not known.trials and not self._rows:
            return ""
        text = f"{known.filled} of {known.trials} trials, best {known.score_name} "
        if known.best is None:
            text += "none yet"
        else:
            text += f"{known.best:.4f}"
        if known.best_number is not None:
            text += f" in trial {known.best_number}"
        if self._seconds_left:
            text += f", about {time_text(self._seconds_left)} left"
        return text

    def _count(self, event: Event) -> None:
        """Count what fills a slot of the budget, and keep the best completed trial."""
        if isinstance(event, TrialInfeasible | TrialEnded):
            self._known = replace(self._known, filled=self._known.filled + 1)
        if isinstance(event, TrialEnded) and event.state is TrialState.COMPLETE:
            best = self._known.best
            if best is None or event.score > best:
                self._known = replace(self._known, best=event.score, best_number=event.number)

    def _update_row(self, event: EpochEnded | TrialEnded) -> None:
        self._known = replace(self._known, score_name=event.score_name)
        row = self._rows[event.number]
        if isinstance(event, EpochEnded):
            row = replace(row, scores={event.score_name: event.best}, epochs=event.epoch + 1)
        else:
            row = replace(
                row,
                state=event.state,
                scores={**event.scores, event.score_name: event.score},
                epochs=event.epochs,
                seconds=event.seconds,
                training=event.train_seconds,
            )
        self._rows[event.number] = row

    def _show_work(self, event: Progress) -> None:
        if not self._bar.tasks:
            self._bar.add_task(event.what)
        task = self._bar.tasks[0]
        self._bar.update(task.id, description=event.what, completed=event.done, total=event.total)
        if event.done >= event.total:
            self._clear_bar()

    def _clear_bar(self) -> None:
        for task in self._bar.task_ids:
            self._bar.remove_task(task)

    def _print_line(self, event: Event) -> None:
        """Print what scrolls past above the table; without a terminal, also what ended well."""
        line = LINES.get(type(event), "").format(event)
        if not self._live:
            line = line or _ended_line(event)
            if time.monotonic() - self._printed >= SILENT_SECONDS:
                line = line or _running_line(event)
        if line:
            self._printed = time.monotonic()
            self._console.print(
                one_line(line, LONGEST_LINE), markup=False, highlight=False, soft_wrap=True
            )


def notices_only(view: LiveView) -> Listener:
    """Return a listener that shows only notices."""

    def listener(event: Event) -> None:
        if isinstance(event, Notice):
            view(event)

    return listener


def _running_line(event: Event) -> str:
    """Return the line of a trial that trains or of work that goes on; nothing for other events."""
    if isinstance(event, Progress):
        return f"{event.what}: {event.done} of {event.total} {event.unit}"
    if isinstance(event, EpochEnded):
        scored = f"{event.score_name} {event.score:.4f}, best {event.best:.4f}"
        return f"trial {event.number} running, epoch {event.epoch + 1}, {scored}"
    return ""


def _ended_line(event: Event) -> str:
    """Return the line of a trial that ended or of work that is done; nothing for other events.

    Most of a trial's time besides training is work whose result is kept for other trials.
    """
    if isinstance(event, Progress) and event.done >= event.total:
        return f"{event.what}: {event.total} {event.unit} done"
    if not isinstance(event, TrialEnded):
        return ""
    line = f"trial {event.number} {event.state}, {event.score_name} {event.score:.4f}"
    line += f", {event.epochs} epochs, {number(event.seconds, 1)} s"
    if event.train_seconds is not None:
        line += f" ({event.train_seconds:.1f} s training)"
    return line
