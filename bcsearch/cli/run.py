"""Commands that train: run, worker and refit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bcsearch.cli import options
from bcsearch.config.options import WORKER_OPTIONS, RunOptions
from bcsearch.errors import ConfigError
from bcsearch.quiet import quiet_imports
from bcsearch.records.texts import study_option

if TYPE_CHECKING:
    from rich.console import Console

    from bcsearch.report.live import LiveView
    from bcsearch.study.run import RunResult

STOPPED = 130  # exit code of a run that was interrupted


def add_to(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("run")(run)
    app.command("worker")(worker)
    app.command("refit")(refit)


@options.takes(
    "trials", "minutes", "data", "images_key", "labels_key", "layout", "groups", "groups_from",
    "join_val", "skip_damaged", "square", "test", "weights", "fresh", "from_study",
    "from_config", "storage", "results_dir",
    "artifacts_dir", "sweeps_dir", "cache_dir", "cache_limit", "max_cache", "workers", "on",
    "address", "worker_cpus", "worker_gpus",
)  # fmt: skip
def run(study: options.Sweep, chosen: RunOptions) -> int:
    """Run a sweep, or go on with it: search, then refit the best configuration on all images."""
    from bcsearch.config import load_plan

    load_plan(study, chosen.sweeps_dir)  # a wrong name is refused before the frameworks load
    with quiet_imports():
        from rich.console import Console

        from bcsearch.report.live import LiveView
        from bcsearch.study.run import run as run_study
    console = Console()
    with LiveView(console) as view:
        result = run_study(study, chosen, view)
    return _end(result, view, console, chosen)


def _end(result: RunResult, view: LiveView, console: Console, chosen: RunOptions) -> int:
    """Say how a run ended and where to look; return the exit code."""
    if view.headline and not console.is_terminal:  # where it does not stand below the table
        options.say(view.headline)
    if result.bundle is None:
        again = options.typed_again(fresh=result.study is None)
        options.say(options.pasteable(f"stopped; go on with: {again}"))
    if result.study is not None:
        places = options.places(chosen.storage, chosen.results_dir)
        look = f"look with: bcsearch status {study_option(result.study)}{places}"
        options.say(options.pasteable(look))
    if result.bundle is None:
        return STOPPED
    options.say(f"best configuration and model: {result.bundle}")
    return 0


@options.takes("storage", *WORKER_OPTIONS)
def worker(study: options.Study, chosen: RunOptions) -> int:
    """Join a study that 'bcsearch run' has begun, here or on another machine."""
    with quiet_imports():
        from rich.console import Console

        from bcsearch.report.live import LiveView
        from bcsearch.study.run import work
    with LiveView(Console()) as view:
        stayed = work(study, chosen, view)
    if not stayed:
        options.say(options.pasteable(f"left; come back with: {options.typed_again()}"))
        return STOPPED
    return 0


@options.takes(
    "data", "test", "weights", "storage", "results_dir", "sweeps_dir", "cache_dir", "cache_limit"
)
def refit(
    chosen: RunOptions,
    study: Annotated[
        str | None, typer.Option(help="Study whose best is trained; with --config a sweep.")
    ] = None,
    trial: Annotated[int | None, typer.Option(help="A completed trial. Default: the best.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="A best.toml: its configuration, without a search.")
    ] = None,
) -> int:
    """Train the best configuration of a study, or one trial's, on all images and save the model."""
    if trial is not None and config is not None:
        raise ConfigError("--config and --trial each name a configuration; give one of them")
    with quiet_imports():
        from rich.console import Console

        from bcsearch.report.live import LiveView
        from bcsearch.study.run import refit as refit_study
        from bcsearch.study.run import train_config
    console = Console()
    if config is not None:
        with LiveView(console) as view:
            result = train_config(config, study, chosen, view)
        return _end(result, view, console, chosen)
    if study is None:
        raise ConfigError("give --study, perhaps with --trial, or --config with a best.toml")
    with LiveView(console) as view:
        bundle = refit_study(study, trial, chosen, view)
    options.say(f"configuration and model: {bundle}")
    return 0
