"""The command that opens studies in a browser: dashboard. Imports typer; the study floor inside the function."""

from __future__ import annotations

from typing import Annotated

import typer

from bcsearch.cli import options
from bcsearch.paths import RESULTS_DIR
from bcsearch.quiet import quiet_imports


def add_to(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("dashboard")(dashboard)


def dashboard(
    storage: options.Storage = None,
    results: options.Results = RESULTS_DIR,
    artifacts: options.Artifacts = None,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Where to listen; 0 for any free.")
    ] = 8080,
) -> int:
    """Show all studies in a browser on this machine, trial by trial with their figures, until Ctrl-C."""
    with quiet_imports():
        from bcsearch.study.dashboard import open_dashboard
        from bcsearch.study.options import RunOptions
    url = RunOptions(storage=storage, results_dir=results).url()
    with open_dashboard(url, artifacts or results, port) as shown:
        studies = "1 study" if shown.n_studies == 1 else f"{shown.n_studies} studies"
        typer.echo(f"{studies}: open {shown.address} in a browser; Ctrl-C ends this")
        shown.serve()
    return 0
