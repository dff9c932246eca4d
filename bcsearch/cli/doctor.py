"""The command that says what is wrong: doctor. Imports typer; the study floor inside the function."""

from __future__ import annotations

from typing import Annotated

import typer

from bcsearch.cli import options
from bcsearch.config.options import RunOptions
from bcsearch.quiet import quiet_imports

WRONG = 1  # exit code where something must be mended


def add_to(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("doctor")(doctor)


@options.takes("storage", "results_dir", "cache_dir")
def doctor(
    chosen: RunOptions,
    study: Annotated[
        str | None,
        typer.Option("--study", help="Study to look at closely. Default: all, in a line each."),
    ] = None,
    reap: Annotated[
        bool, typer.Option("--reap", help="Fail the trials of lost workers and queue them again.")
    ] = False,
    as_json: options.Json = False,
) -> int:
    """Say what is wrong or does not act: database, workers, search, this machine. Exit code 1 if anything is."""
    from bcsearch.report.findings import findings_text, is_wrong, worst_first
    from bcsearch.storage import database_of
    from bcsearch.study.doctor.look import look

    url = database_of(chosen, study or "")
    seen = look(url, study, reaps=reap)  # a wrong name is told at once, before the frameworks load
    with quiet_imports():
        from bcsearch.study.doctor.here import look_here

        findings = [*seen.findings, *look_here(chosen, seen.study)]
    typer.echo(options.as_json(worst_first(findings)) if as_json else findings_text(findings))
    return WRONG if is_wrong(findings) else 0
