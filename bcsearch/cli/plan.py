"""Commands that say what is there and what it costs: plan, params and backbones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bcsearch.cli import options
from bcsearch.config.options import RunOptions
from bcsearch.quiet import quiet_imports

if TYPE_CHECKING:
    from bcsearch.records.backbones import BackboneFacts


def add_to(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("plan")(plan)
    app.command("params")(params)
    app.command("backbones")(backbones)


@options.takes(
    "settings", "seed", "score", "trials", "data", "images_key", "labels_key", "layout", "exclude",
    "groups", "groups_from", "join_val", "skip_damaged", "square", "white", "weights", "max_cache",
    "sweeps_dir", "cache_dir",
)  # fmt: skip
def plan(study: options.Sweep, chosen: RunOptions, as_json: options.Json = False) -> int:
    """Say what a new study of a sweep may cost on this machine: time, cache, passes.

    Nothing is trained.
    """
    chosen.plan(study)  # a wrong name is refused before the frameworks load
    with quiet_imports():
        from rich.console import Console

        from bcsearch.records.events import notices_only
        from bcsearch.report.costs import costs_text
        from bcsearch.report.live import LiveView
        from bcsearch.study.run import plan as plan_study
    with LiveView(Console(stderr=as_json)) as view:
        costs = plan_study(study, chosen, notices_only(view) if as_json else view)
    options.show(costs, costs_text, as_json=as_json)
    return 0


def params(
    name: Annotated[
        str | None, typer.Argument(help="A parameter to show alone. Default: all.")
    ] = None,
) -> int:
    """Show each parameter of search spaces: what it may be, its default, when it acts."""
    from bcsearch.report.params import param_text, params_text

    if name is None:
        options.say(params_text())
    else:
        options.say(param_text(name))
    return 0


@options.takes("cache_dir")
def backbones(
    chosen: RunOptions,
    names: Annotated[
        list[str] | None, typer.Argument(help="Those to show, with their cuts. Default: all.")
    ] = None,
    image_size: Annotated[
        int, typer.Option(min=32, max=512, help="Pixels a side to measure at.")
    ] = 96,
    measure: Annotated[
        bool, typer.Option(help="Measure images/s where that was not done before.")
    ] = True,
    as_json: options.Json = False,
) -> int:
    """Show every backbone: parameters, image size, cuts, speed here, and available weights."""
    with quiet_imports():
        from rich.console import Console
        from rich.progress import track

        from bcsearch.costs.catalog import describe_backbones
        from bcsearch.report.backbones import backbones_text, cuts_text
    found = describe_backbones(names or (), image_size, chosen.cache, measure=measure)
    screen = Console(stderr=True)
    looking = track(
        found,
        "Looking at backbones",
        console=screen,
        transient=True,
        disable=not screen.is_terminal,
    )

    def text(facts: list[BackboneFacts]) -> str:
        tables = [cuts_text(each) for each in facts if names]
        return "\n\n".join([backbones_text(facts, image_size), *tables])

    options.show(list(looking), text, as_json=as_json)
    return 0
