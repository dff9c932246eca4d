"""Commands that read studies: status, best, compare and export."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bcsearch.cli import options
from bcsearch.config.options import RunOptions
from bcsearch.quiet import quiet_imports
from bcsearch.records.texts import study_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.records import StudyRecord
    from bcsearch.records.backbones import BackboneFacts


def add_to(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("status")(status)
    app.command("best")(best)
    app.command("compare")(compare)
    app.command("diagnose")(diagnose)
    app.command("export")(export)


@options.takes("storage", "results_dir")
def status(study: options.Study, chosen: RunOptions, as_json: options.Json = False) -> int:
    """Show how far a study is and its best trials."""
    from bcsearch.report.summary import status_facts, status_text

    record = _read(study, chosen)
    facts = status_facts(record, _about(record, chosen))
    options.show(facts, status_text, as_json=as_json)
    return 0


@options.takes("storage", "results_dir")
def best(study: options.Study, chosen: RunOptions, as_json: options.Json = False) -> int:
    """Show the best trial of a study: its scores, fold by fold, and its configuration."""
    from bcsearch.report.summary import best_facts, best_text

    record = _read(study, chosen)
    facts = best_facts(record, _about(record, chosen))
    options.show(facts, best_text, as_json=as_json)
    return 0


@options.takes("storage", "results_dir", "cache_dir")
def compare(
    studies: Annotated[list[str], typer.Argument(help="Studies, or sweeps: their newest ones.")],
    chosen: RunOptions,
    by: Annotated[
        str | None, typer.Option(help="A parameter, such as backbone: the best of each value.")
    ] = None,
    brief: Annotated[
        bool, typer.Option("--brief", help="Leave out costs and configurations.")
    ] = False,
    as_json: options.Json = False,
) -> int:
    """Show studies side by side: the best trial of each, or of each value of a parameter."""
    from bcsearch.report import compare as report

    read = []
    for name in studies:
        study = _read_in_full(name, chosen)
        read.append((study, _about(study, chosen)))
    facts = _measured(report.backbones_of([study for study, _ in read]), chosen)
    text = partial(report.compared_text, brief=brief)
    options.show(report.compare(read, by, facts), text, as_json=as_json)
    return 0


@options.takes("data", "storage", "results_dir", "artifacts_dir", "sweeps_dir")
def diagnose(
    study: options.Study,
    chosen: RunOptions,
    trial: Annotated[
        int | None, typer.Option(help="A completed trial. Default: the winner.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Page to write. Default: diagnosis.html in the results."),
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Show where a study's winner goes wrong: classes, pairs, shifts, and its worst mistakes."""
    with quiet_imports():
        from bcsearch.export.diagnosis_page import MARK, diagnosis_page
        from bcsearch.paths import is_stream, refuse_others, replacing
        from bcsearch.report.diagnosis import diagnosis_text
        from bcsearch.study.diagnosing import diagnose_study
    out = out or _bundle_dir(_read(study, chosen), chosen).parent / "diagnosis.html"
    refuse_others(out, MARK, "diagnosis")
    found = diagnose_study(study, trial, chosen)
    with replacing(out) as draft:
        draft.write_text(diagnosis_page(found.diagnosis, found.dataset), encoding="utf-8")
    options.show(found.diagnosis, diagnosis_text, as_json=as_json)
    options.say(f"with images: {out}", error=as_json or is_stream(out))
    return 0


@options.takes("storage", "results_dir")
def export(
    study: options.Study,
    to: Annotated[Path, typer.Option("--to", help="A new folder to write, or an empty one.")],
    chosen: RunOptions,
    formats: Annotated[
        str,
        typer.Option(
            "--as",
            help="Formats joined by commas: keras, toml, yaml, json, csv, figures, digests, "
            "likeness.",
        ),
    ] = "keras,toml,yaml,json,likeness",
) -> int:
    """Write the best configuration and its model to a folder, in the formats that are asked for."""
    from bcsearch.export.handover import hand_over
    from bcsearch.study.trial_files import artifacts_of

    record = _read_in_full(study, chosen)
    places = options.places(chosen.storage, chosen.results_dir)
    refit = f"bcsearch refit {study_option(study)}{places}"
    written = hand_over(
        record,
        _bundle_dir(record, chosen),
        to,
        refit,
        [name.strip() for name in formats.split(",")],
        artifacts_of(record, chosen.results_dir),
    )
    for path in written:
        options.say(str(path))
    return 0


def _read(study: str, chosen: RunOptions) -> StudyRecord:
    from bcsearch.report.summary import BEST_SHOWN
    from bcsearch.storage import database_of, find_study, read_overview

    url = database_of(chosen, study)
    return read_overview(url, find_study(url, study), BEST_SHOWN)


def _read_in_full(study: str, chosen: RunOptions) -> StudyRecord:
    from bcsearch.storage import database_of, find_study, read_study

    url = database_of(chosen, study)
    return read_study(url, find_study(url, study), with_epochs=True)


def _measured(sizes: Mapping[str, int], chosen: RunOptions) -> dict[str, BackboneFacts]:
    """Measure backbones at image sizes on this machine, unless that was done before."""
    with quiet_imports():
        from bcsearch.costs.catalog import describe_backbones
    found = {}
    for name, size in sizes.items():
        (found[name],) = describe_backbones([name], size, chosen.cache, measure=True)
    return found


def _about(study: StudyRecord, chosen: RunOptions) -> dict[str, Any] | None:
    """Return the description of the study's bundle, where it has one."""
    from bcsearch.export.about import read_about

    return read_about(_bundle_dir(study, chosen))


def _bundle_dir(study: StudyRecord, chosen: RunOptions) -> Path:
    from bcsearch.study.places import bundle_dir

    return bundle_dir(chosen.results_dir, study.name, study.uuid)
