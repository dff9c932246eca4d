"""The command line: one short function a command, which imports what only it needs."""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
import warnings
from contextlib import suppress
from errno import EIO
from io import TextIOWrapper
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from bcsearch import __version__
from bcsearch.cli import (
    augment,
    cache,
    dashboard,
    data,
    doctor,
    model,
    options,
    plan,
    run,
    storage,
    study,
)
from bcsearch.cli.examples import add_examples
from bcsearch.errors import BcsearchError, one_line

if TYPE_CHECKING:
    from types import FrameType

app = typer.Typer(
    name="bcsearch",
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for commands in (plan, run, study, dashboard, doctor, model):
    commands.add_to(app)
app.add_typer(data.app, name="data")
app.add_typer(augment.app, name="augment")
app.add_typer(cache.app, name="cache")
app.add_typer(storage.app, name="storage")
add_examples(app)


FIRST_STEPS = """\
bcsearch finds, trains and hands over the best image classifier for a small, messy image set.

  bcsearch run --study quickstart --trials 24          search on synthetic cells, refit the best
  bcsearch data info cells.npz                         look at images of your own
  bcsearch run --study quickstart --data cells.npz     search on them

All commands: bcsearch --help"""


@app.callback(invoke_without_command=True)
def first_steps(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Find, train and hand over the best image classifier for a small, messy image set."""
    if version:
        options.say(f"bcsearch {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        options.say(FIRST_STEPS)


def main() -> None:
    """Run the command line: exit code 2 for a user's mistake, 130 for an interrupted run."""
    listen_for_ends()
    _set_up_output()
    try:
        code = app(standalone_mode=False)
    except BcsearchError as error:
        code = _complain(str(error))
    except typer.TyperException as error:
        usage = f"{options.usage_text(error)}; see '{options.help_command(error)}'"
        code = _complain(one_line(usage))
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


def _complain(text: str) -> int:
    for line in text.splitlines():
        options.say(f"error: {line}", error=True)
    return 2


def _set_up_output() -> None:
    """Escape what the encoding of the output cannot hold, as of a Windows terminal or C locale.

    What libraries warn of files is muted: a file is used, or refused by an error.
    """
    warnings.filterwarnings("ignore", module=r"PIL\b")
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    for name in ("COLUMNS", "LINES"):  # a size that no terminal has would fill the memory
        if not re.fullmatch("[1-9][0-9]{0,3}", os.environ.get(name, "")):
            os.environ.pop(name, None)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
