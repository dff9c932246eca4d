"""Commands that train: run, worker and refit."""

from __future__ import annotations

from typing import Annotated

import typer

from bcsearch.cli import options
from bcsearch.config.options import WORKER_OPTIONS, RunOptions
from bcsearch.quiet import quiet_imports
from bcsearch.records.texts import study_option

STOPPED = 130  # exit code of a run that was interrupted


def add_to(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("run")(run)
    app.command("worker")(worker)
    app.command("refit")(refit)


@options.takes(
    "settings", "seed", "score", "trials", "minutes", "data", "images_key", "labels_key", "layout",
    "groups", "groups_from", "join_val", "skip_damaged", "square", "test", "weights", "fresh",
    "storage", "results_dir", "artifacts_dir", "sweeps_dir", "cache_dir", "cache_limit",
    "max_cache", "workers", "on", "address", "worker_cpus", "worker_gpus",
)  # fmt: skip
def run(study: options.Sweep, chosen: RunOptions) -> int:
    """Run a sweep, or go on with it: search, then refit the best configuration on all images."""
    chosen.plan(study)  # a wrong name is refused before the frameworks load
    with quiet_imports():
        from rich.console import Console

        from bcsearch.report.live import LiveView
        from bcsearch.study.run import run as run_study
    console = Console()
    with LiveView(console) as view:
        result = run_study(study, chosen, view)
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


@options.takes("storage", "wait", *WORKER_OPTIONS)
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


@options.takes("data", "test", "weights", "storage", "results_dir", "cache_dir", "cache_limit")
def refit(
    study: options.Study,
    chosen: RunOptions,
    trial: Annotated[int | None, typer.Option(help="A completed trial. Default: the best.")] = None,
) -> int:
    """Train the best configuration of a study, or one trial's, on all images and save the model."""
    with quiet_imports():
        from rich.console import Console

        from bcsearch.report.live import LiveView
        from bcsearch.study.run import refit as refit_study
    with LiveView(Console()) as view:
        bundle = refit_study(study, trial, chosen, view)
    options.say(f"configuration and model: {bundle}")
    return 0
