"""Commands that say what will be: plan and backbones."""

from __future__ import annotations

from typing import Annotated

import typer

from bcsearch.cli import options
from bcsearch.cli.sizes import size_in_bytes
from bcsearch.quiet import quiet_imports


def add_to(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("plan")(plan)
    app.command("backbones")(backbones)


def plan(  # noqa: PLR0913 - one argument an option
    study: options.Sweep,
    trials: options.Trials = None,
    data: options.Data = None,
    weights: options.Weights = None,
    minutes: options.Minutes = None,
    max_cache: options.MaxCache = None,
    sweeps_dir: options.SweepsDir = None,
    cache_dir: options.CacheDir = None,
    as_json: options.Json = False,
) -> int:
    """Say what a new study of a sweep would cost on this machine: minutes, cache, passes. Nothing is trained."""
    from bcsearch.config import load_plan

    load_plan(study, sweeps_dir)  # a wrong name is told at once, before the frameworks load
    most = size_in_bytes(max_cache, "--max-cache")
    with quiet_imports():
        from rich.console import Console

        from bcsearch.report.forecast import forecast_text
        from bcsearch.report.live import LiveView, notices_only
        from bcsearch.study.options import RunOptions
        from bcsearch.study.run import plan as plan_study
    chosen = RunOptions(
        data=data,
        trials=trials,
        weights=weights,
        sweeps_dir=sweeps_dir,
        cache_dir=cache_dir,
        minutes=minutes,
        max_cache=most,
    )
    with LiveView(Console(stderr=as_json)) as view:
        forecast = plan_study(study, chosen, notices_only(view) if as_json else view)
    typer.echo(options.as_json(forecast) if as_json else forecast_text(forecast))
    return 0


def backbones(
    names: Annotated[
        list[str] | None, typer.Argument(help="Those to show, with their cuts. Default: all.")
    ] = None,
    image_size: Annotated[
        int, typer.Option(min=32, max=512, help="Pixels a side to measure at.")
    ] = 96,
    measure: Annotated[
        bool, typer.Option(help="Measure images/s where that was not done before.")
    ] = True,
    cache_dir: options.CacheDir = None,
    as_json: options.Json = False,
) -> int:
    """Show every backbone: parameters, image size, cuts, speed on this machine, weights at hand."""
    with quiet_imports():
        from rich.console import Console
        from rich.progress import track

        from bcsearch.costs.catalog import describe_backbones
        from bcsearch.paths import cache_dir as default_dir
        from bcsearch.report.backbones import backbones_text, cuts_text
    found = describe_backbones(names or (), image_size, cache_dir or default_dir(), measure=measure)
    screen = Console(stderr=True)
    looking = track(
        found,
        "Looking at backbones",
        console=screen,
        transient=True,
        disable=not screen.is_terminal,
    )
    facts = list(looking)
    if as_json:
        typer.echo(options.as_json(facts))
        return 0
    typer.echo(backbones_text(facts, image_size))
    if names:
        for backbone in facts:
            typer.echo(f"\n{cuts_text(backbone)}")
    return 0
