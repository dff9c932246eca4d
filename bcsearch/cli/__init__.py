"""The command line: one short function a command, which imports what only it needs."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from errno import EIO
from typing import TYPE_CHECKING, NoReturn

import typer

from bcsearch.cli import cache, dashboard, data, doctor, model, options, plan, run, storage, study
from bcsearch.errors import BcsearchError
from bcsearch.records.texts import one_line

if TYPE_CHECKING:
    from types import FrameType

app = typer.Typer(
    name="bcsearch",
    help="Find, train and hand over the best image classifier for a small, messy image set.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for commands in (plan, run, study, dashboard, doctor, model):
    commands.add_to(app)
app.add_typer(data.app, name="data")
app.add_typer(cache.app, name="cache")
app.add_typer(storage.app, name="storage")


def main() -> None:
    """Run the command line: exit code 2 for a user's mistake, 130 for an interrupted run."""
    listen_for_ends()
    try:
        code = app(standalone_mode=False)
    except BcsearchError as error:
        code = _complain(str(error))
    except typer.TyperException as error:
        code = _complain(f"{options.usage_text(error)}; see '{options.help_command(error)}'")
    except (KeyboardInterrupt, typer.Abort):
        code = 130
        with suppress(OSError):  # the terminal may be gone
            options.say("stopped", error=True)
    except OSError as error:
        if error.errno != EIO:  # the terminal is gone
            raise
        code = 1
    sys.exit(code)


def listen_for_ends() -> None:
    """Let a command end as by Ctrl-C when it should terminate or its terminal is closed."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _complain(line: str) -> int:
    options.say(one_line(f"error: {line}"), error=True)
    return 2
