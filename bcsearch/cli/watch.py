"""What commands that train tell of themselves: on the screen, or as JSON, and in a log."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from bcsearch.cli import options
from bcsearch.errors import BcsearchError, ConfigError

Quiet = Annotated[
    bool, typer.Option("--quiet", help="Print notices and results only: no table and no trials.")
]
LogFile = Annotated[
    Path | None, typer.Option("--log", help="File to append all that happens to, with the time.")
]
JsonLines = Annotated[bool, typer.Option("--json", help="Print an event a line, as JSON.")]


class Watch:
    """Hears of a run: ``tell`` is its listener, ``say`` prints lines that are no event."""

    def __init__(self, *, quiet: bool, log: Path | None, as_json: bool) -> None:
        from rich.console import Console

        from bcsearch.records.events import Listener, together
        from bcsearch.report.json_lines import JsonLines
        from bcsearch.report.live import Detail, LiveView
        from bcsearch.report.log import Log

        self._log = Log(log) if log else None
        self._json = JsonLines(sys.stdout) if as_json else None
        console = Console(quiet=as_json)
        self.view = LiveView(console, Detail.NOTICES if quiet or as_json else Detail.TRIALS)
        listeners: list[Listener] = [self.view]
        if self._json:
            listeners.append(self._json)
        if self._log:
            listeners.append(LiveView(self._log.console(), Detail.EPOCHS))
        self.tell = together(*listeners)

    @property
    def headline(self) -> str:
        """The line of how far the study is, where it does not stand below a table already."""
        return "" if self.view.is_live else self.view.headline

    def say(self, *lines: str) -> None:
        """Print the last lines, which JSON has as its own."""
        for line in filter(None, lines):
            if not self._json:
                options.say(line)
            self._note(line)
        if self._log and self._log.failure:
            options.say(f"warning: --log lacks lines: {self._log.failure}", error=True)

    def end(self, how: str, **facts: Any) -> None:
        """Tell a program how it ended."""
        if self._json:
            self._json.end(how, **facts)

    def fail(self, error: BaseException) -> None:
        """Keep an error, or that the user stopped it, for those who do not read the screen."""
        how = "failed" if isinstance(error, BcsearchError) else "stopped"
        self.end(how, study=None, bundle=None, error=str(error))
        self._note(f"{how}: {error}".removesuffix(": "))

    def _note(self, text: str) -> None:
        if self._log:
            self._log.write(text)


@contextmanager
def watching(*, quiet: bool, log: Path | None, as_json: bool = False) -> Iterator[Watch]:
    """Yield what hears of a run.

    Raises:
        ConfigError: the options do not go together.
        DiskError: the log cannot be written.
    """
    if quiet and as_json:
        raise ConfigError("--json prints JSON alone, so --quiet has no effect; leave one out")
    watch = Watch(quiet=quiet, log=log, as_json=as_json)
    try:
        with watch.view:
            yield watch
    except (BcsearchError, KeyboardInterrupt) as error:
        watch.fail(error)
        raise
