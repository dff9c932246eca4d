"""The command that opens studies in a browser."""

from __future__ import annotations

from typing import Annotated

import typer

from bcsearch.cli import options
from bcsearch.config.options import RunOptions
from bcsearch.quiet import quiet_imports


def add_to(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("dashboard")(dashboard)


@options.takes("storage", "results_dir", "artifacts_dir")
def dashboard(
    chosen: RunOptions,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Where to listen; 0 for any free.")
    ] = 8080,
    may_change: Annotated[
        bool,
        typer.Option(
            "--allow-changes", help="Let the browser delete and rename studies and add notes."
        ),
    ] = False,
) -> int:
    """Show all studies and figures of their trials in a browser on this machine, until Ctrl-C."""
    with quiet_imports():
        from bcsearch.storage import database_of
        from bcsearch.study.dashboard import open_dashboard
    files = chosen.artifacts_dir or chosen.results_dir
    with open_dashboard(database_of(chosen), files, port, may_change=may_change) as shown:
        studies = f"{shown.n_studies} studies"
        if shown.n_studies == 1:
            studies = "1 study"
        options.say(f"{studies}: open {shown.address} in a browser; Ctrl-C ends this")
        shown.serve()
    return 0
