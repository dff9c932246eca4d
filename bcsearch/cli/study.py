"""Commands that read studies: status, best, export. Imports typer; storage, report, export inside the functions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bcsearch.cli import options
from bcsearch.paths import RESULTS_DIR

if TYPE_CHECKING:
    from bcsearch.records import StudyRecord


def add_to(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("status")(status)
    app.command("best")(best)
    app.command("export")(export)


def status(
    study: options.Study,
    storage: options.Storage = None,
    results: options.Results = RESULTS_DIR,
    as_json: options.Json = False,
) -> int:
    """Show how far a study is and its best trials."""
    from bcsearch.report.summary import status_facts, status_text

    record = _read(study, storage, results)
    facts = status_facts(record, _about(record, results))
    typer.echo(options.as_json(facts) if as_json else status_text(facts))
    return 0


def best(
    study: options.Study,
    storage: options.Storage = None,
    results: options.Results = RESULTS_DIR,
    as_json: options.Json = False,
) -> int:
    """Show the best trial of a study: its score, fold by fold, and its configuration."""
    from bcsearch.report.summary import best_facts, best_text

    record = _read(study, storage, results)
    facts = best_facts(record, _about(record, results))
    typer.echo(options.as_json(facts) if as_json else best_text(facts))
    return 0


def export(
    study: options.Study,
    to: Annotated[Path, typer.Option("--to", help="A new folder to write, or an empty one.")],
    storage: options.Storage = None,
    results: options.Results = RESULTS_DIR,
) -> int:
    """Write the best configuration, as TOML, YAML and JSON, and its model to a folder, to hand over."""
    from bcsearch.export.handover import hand_over

    record = _read(study, storage, results)
    refit = f"bcsearch refit --study {study}{options.places(storage, results)}"
    for path in hand_over(record, _bundle_dir(record, results), to, refit):
        typer.echo(str(path))
    return 0


def _read(study: str, storage: str | None, results: Path) -> StudyRecord:
    from bcsearch.report.summary import BEST_SHOWN
    from bcsearch.storage import find_study, read_overview
    from bcsearch.study.options import RunOptions

    url = RunOptions(storage=storage, results_dir=results).url_of(study)
    return read_overview(url, find_study(url, study), BEST_SHOWN)


def _about(study: StudyRecord, results: Path) -> dict[str, Any] | None:
    """Return what the study's bundle says of itself, where it has one."""
    from bcsearch.export.about import read_about

    return read_about(_bundle_dir(study, results))


def _bundle_dir(study: StudyRecord, results: Path) -> Path:
    from bcsearch.study.places import bundle_dir

    return bundle_dir(results, study.name, study.uuid)
