"""The live view of a run: a table of trials in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from dataclasses import replace
from enum import Enum
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
    TrialSeen,
    TrialStarted,
)
from bcsearch.records.sizes import time_text
from bcsearch.report.trials import Row, number, trials_table

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

ROWS_SHOWN = 12
LONGEST_LINE = 2000  # letters of a line that scrolls past: it may hold paths and commands
SILENT_SECONDS = 60.0  # after which a line says what goes on, where there is no terminal
LINES: dict[type[Event], str] = {  # what is printed of an event, whether in a terminal or not
    TrialInfeasible: "trial {0.number} infeasible: {0.reason}",
    TrialReleased: "trial {0.number} released: it continues when the study does",
    TrialLost: "trial {0.number} was ended by another worker; going on",
    Notice: "{0.text}",
}


class Detail(Enum):
    """How much a view prints: notices alone, also every trial, also every epoch."""

    NOTICES = 0
    TRIALS = 1
    EPOCHS = 2


class LiveView:
    """Listens to a run and shows it; a context manager. Of notices alone there is no table."""

    def __init__(self, console: Console, detail: Detail = Detail.TRIALS) -> None:
        self._console, self._detail = console, detail
        self._rows: dict[int, Row] = {}
        self._begun: dict[int, float] = {}  # trials of this process, by the monotonic clock
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
        if console.is_terminal and detail is not Detail.NOTICES:
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
            case TrialStarted():
                params = Params(**event.params)
                self._rows[event.number] = Row(number=event.number, params=params)
                self._begun[event.number] = time.monotonic()
            case EpochEnded() | TrialEnded():
                self._clear_bar()  # of work that another process did meanwhile
                self._update_row(event)
            case TrialSeen() if event.number not in self._begun:
                self._rows[event.number] = _row_of(event)
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
        every = [self._rows[number] for number in sorted(self._rows)]
        rows = [self._timed(row) for row in every[-ROWS_SHOWN:]]
        best = [row for row in every if row.number == known.best_number]
        if best and best[0] not in rows:  # it would have scrolled away
            rows = [*best, *rows[1:]]
        if rows:
            yield trials_table(rows, known.score_name, known.best_number, options.max_width)
        if self.headline:
            yield Text(self.headline, style="bold")
        if self._bar.tasks:
            yield self._bar

    @property
    def is_live(self) -> bool:
        """Whether it shows a table that changes, in a terminal."""
        return self._live is not None

    @property
    def headline(self) -> str:
        """How far the study is, and its best score; nothing before there is one."""
        known = self._known
        if not known.trials and not self._rows:
            return ""
        text = f"{known.filled} of {known.trials} trials, "
        if known.best is None:
            text += "no score yet"
        else:
            text += f"best {known.score_name} {known.best:.4f}"
        if known.best_number is not None:
            text += f" in trial {known.best_number}"
        if known.baseline is not None:
            text += f", to beat {known.baseline:.4f}"
        if self._seconds_left:
            text += f", about {time_text(self._seconds_left)} left"
        return text

    def _timed(self, row: Row) -> Row:
        """Put the time so far into the row of a trial that runs in this process."""
        if row.state is not TrialState.RUNNING or row.number not in self._begun:
            return row
        return replace(row, seconds=time.monotonic() - self._begun[row.number])

    def _count(self, event: Event) -> None:
        """Keep how far the study is: what fills a slot, the best completed trial, the time left."""
        if isinstance(event, BudgetKnown):
            self._known = event
        if isinstance(event, TimeLeft):
            self._seconds_left = event.seconds
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
        if self._detail is Detail.NOTICES and not isinstance(event, Notice):
            return
        line = LINES.get(type(event), "").format(event)
        if not self._live:
            line = line or self._ended_line(event)
            is_epoch = self._detail is Detail.EPOCHS and isinstance(event, EpochEnded)
            if is_epoch or time.monotonic() - self._printed >= SILENT_SECONDS:
                line = line or self._running_line(event)
        if line:
            self._printed = time.monotonic()
            self._console.print(
                one_line(line, LONGEST_LINE), markup=False, highlight=False, soft_wrap=True
            )

    def _running_line(self, event: Event) -> str:
        """Return the line of a trial that trains or of work that goes on.

        Nothing for other events.
        """
        match event:
            case Progress():
                return f"{event.what}: {event.done} of {event.total} {event.unit}"
            case EpochEnded():
                scored = f"{event.score_name} {event.score:.4f}, best {event.best:.4f}"
                return f"trial {event.number} running, epoch {event.epoch + 1}, {scored}"
            case BudgetKnown():
                return f"going on: {self.headline}"
        return ""

    def _ended_line(self, event: Event) -> str:
        """Return the line of a trial that ended or of work that is done; nothing for other events.

        Most of a trial's time besides training is work whose result is kept for other trials.
        """
        if isinstance(event, Progress) and event.done >= event.total:
            return f"{event.what}: {event.total} {event.unit} done"
        if isinstance(event, TrialSeen):
            if event.number in self._begun or not event.is_new:
                return ""
        elif not isinstance(event, TrialEnded):
            return ""
        if event.score is None or event.seconds is None:
            return ""
        line = f"trial {event.number} {event.state}, {event.score_name} {event.score:.4f}"
        line += f", {event.epochs} epochs, {number(event.seconds, 1)} s"
        if event.train_seconds is not None:
            line += f" ({event.train_seconds:.1f} s training)"
        return line


def _row_of(event: TrialSeen) -> Row:
    scores = dict(event.scores)
    if event.score is not None:
        scores[event.score_name] = event.score
    return Row(
        number=event.number,
        params=Params(**event.params),
        state=event.state,
        scores=scores,
        epochs=event.epochs or None,
        seconds=event.seconds,
        training=event.train_seconds,
    )
