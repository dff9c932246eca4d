"""The command line: one short function a command, which imports what only it needs."""

from __future__ import annotations

import sys

import typer

from bcsearch.cli import cache, dashboard, data, doctor, model, options, plan, run, storage, study
from bcsearch.errors import BcsearchError

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
    try:
        code = app(standalone_mode=False)
    except BcsearchError as error:
        code = _complain(str(error))
    except typer.TyperException as error:
        code = _complain(f"{options.usage_text(error)}; see '{options.help_command(error)}'")
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    sys.exit(code)


def _complain(line: str) -> int:
    sys.stderr.write(f"error: {line}\n")
    return 2
