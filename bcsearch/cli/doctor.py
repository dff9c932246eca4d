"""The command that says what is wrong: doctor."""

from __future__ import annotations

from typing import Annotated

import typer

from bcsearch.cli import options
from bcsearch.config.options import RunOptions
from bcsearch.quiet import quiet_imports


def add_to(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("doctor")(doctor)


@options.takes("storage", "results_dir", "cache_dir")
def doctor(
    chosen: RunOptions,
    study: Annotated[
        str | None,
        typer.Option("--study", help="Study to check closely. Default: all studies, briefly."),
    ] = None,
    reap: Annotated[
        bool, typer.Option("--reap", help="Fail the trials of lost workers and queue them again.")
    ] = False,
    as_json: options.Json = False,
) -> int:
    """Say what is wrong with the database, a study or this machine. Exit code 1 if anything is."""
    from bcsearch.doctor.look import look
    from bcsearch.doctor.machine import check_machine, may_have_gpu
    from bcsearch.records.finding import Level
    from bcsearch.report.findings import findings_text, worst_first
    from bcsearch.storage import database_of

    url = database_of(chosen, study or "")
    examined = look(url, study, reaps=reap)  # an unknown name is refused before TensorFlow loads
    gpus: tuple[str, ...] = ()
    if may_have_gpu():
        with quiet_imports():
            from bcsearch.training.devices import visible_gpus

            gpus = visible_gpus()
    of_machine = check_machine(chosen.results_dir, chosen.cache, examined.study, gpus)
    findings = worst_first([*examined.findings, *of_machine])
    options.show(findings, findings_text, as_json=as_json)
    return int(findings[0].level is Level.WRONG)
