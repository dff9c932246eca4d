"""The command that shows studies side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bcsearch.cli import options
from bcsearch.config.options import RunOptions
from bcsearch.quiet import quiet_imports

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.records.backbones import BackboneFacts


def add_to(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("compare")(compare)


@options.takes("storage", "results_dir", "cache_dir")
def compare(
    studies: Annotated[list[str], typer.Argument(help="Studies, or sweeps: their newest ones.")],
    chosen: RunOptions,
    by: Annotated[
        str | None, typer.Option(help="A parameter, such as backbone: the best of each value.")
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Show studies side by side: the best trial of each, or of each value of a parameter."""
    from bcsearch.export.about import read_about
    from bcsearch.report import compare as report
    from bcsearch.storage import database_of, find_study, read_study
    from bcsearch.study.places import bundle_dir

    read = []
    for name in studies:
        url = database_of(chosen, name)
        study = read_study(url, find_study(url, name), with_epochs=True)
        about = read_about(bundle_dir(chosen.results_dir, study.name, study.uuid))
        read.append((study, about))
    facts: dict[str, BackboneFacts] = {}
    if by == "backbone":
        facts = _measured(report.backbones_of([study for study, _ in read]), chosen)
    options.show(report.compare(read, by, facts), report.compared_text, as_json=as_json)
    return 0


def _measured(sizes: Mapping[str, int], chosen: RunOptions) -> dict[str, BackboneFacts]:
    """Measure backbones at image sizes on this machine, unless that was done before."""
    with quiet_imports():
        from bcsearch.costs.catalog import describe_backbones
    found = {}
    for name, size in sizes.items():
        (found[name],) = describe_backbones([name], size, chosen.cache, measure=True)
    return found
