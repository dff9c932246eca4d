"""Commands that train: run, worker and refit. Imports typer; the study floor inside the functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bcsearch.cli import options
from bcsearch.cli.sizes import size_in_bytes
from bcsearch.errors import ConfigError
from bcsearch.paths import RESULTS_DIR
from bcsearch.quiet import quiet_imports

if TYPE_CHECKING:
    from bcsearch.study.processes import Launcher

STOPPED = 130  # exit code of a run that was interrupted


def add_to(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("run")(run)
    app.command("worker")(worker)
    app.command("refit")(refit)


def run(  # noqa: PLR0913 - one argument an option
    study: options.Sweep,
    trials: options.Trials = None,
    data: options.Data = None,
    weights: options.Weights = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start a new study and keep the old one.")
    ] = False,
    storage: options.Storage = None,
    results: options.Results = RESULTS_DIR,
    artifacts: options.Artifacts = None,
    sweeps_dir: options.SweepsDir = None,
    cache_dir: options.CacheDir = None,
    cache_limit: options.CacheLimit = None,
    minutes: options.Minutes = None,
    max_cache: options.MaxCache = None,
    workers: Annotated[int, typer.Option("--workers", help="Processes that share the work.")] = 1,
    on: Annotated[
        Literal["here", "ray"],
        typer.Option("--on", help="Where they run: here, or on a Ray cluster."),
    ] = "here",
    address: Annotated[
        str | None, typer.Option(help="Ray's: 'auto' or host:port. Default: start one here.")
    ] = None,
    worker_cpus: Annotated[
        float, typer.Option(min=0.1, help="CPUs that Ray gives a worker.")
    ] = 1.0,
    worker_gpus: Annotated[
        float, typer.Option(min=0.0, help="GPUs that Ray gives a worker.")
    ] = 0.0,
) -> int:
    """Run a sweep, or go on with it: search, then refit the best configuration on all images."""
    from bcsearch.config import load_plan

    load_plan(study, sweeps_dir)  # a wrong name is told at once, before the frameworks load
    if on == "here" and (address, worker_cpus, worker_gpus) != (None, 1.0, 0.0):
        raise ConfigError(
            "--address, --worker-cpus and --worker-gpus act with --on ray only; add it or leave them out"
        )
    limit = size_in_bytes(cache_limit, "--cache-limit")
    most = size_in_bytes(max_cache, "--max-cache")
    with quiet_imports():
        from rich.console import Console

        from bcsearch.report.live import LiveView
        from bcsearch.study.options import RunOptions
        from bcsearch.study.processes import LocalLaunch
        from bcsearch.study.run import run as run_study
    chosen = RunOptions(
        data=data,
        trials=trials,
        weights=weights,
        storage=storage,
        fresh=fresh,
        results_dir=results,
        artifacts_dir=artifacts,
        sweeps_dir=sweeps_dir,
        cache_dir=cache_dir,
        cache_limit=limit,
        minutes=minutes,
        max_cache=most,
        workers=workers,
        launcher=LocalLaunch if on == "here" else _ray_cluster(address, worker_cpus, worker_gpus),
    )
    with LiveView(Console()) as view:
        result = run_study(study, chosen, view)
    if result.bundle is None:
        typer.echo(
            options.pasteable(
                f"stopped; go on with: {options.typed_again(fresh=result.study is None)}"
            )
        )
    if result.study is not None:
        look = (
            f"look with: bcsearch status --study {result.study}{options.places(storage, results)}"
        )
        typer.echo(options.pasteable(look))
    if result.bundle is None:
        return STOPPED
    typer.echo(f"best configuration and model: {result.bundle}")
    return 0


def _ray_cluster(address: str | None, cpus: float, gpus: float) -> Launcher:
    try:
        from bcsearch.study.ray_workers import RayCluster
    except ImportError as error:
        raise ConfigError(f"--on ray needs Ray ({error}); pip install 'bcsearch[ray]'") from error
    return RayCluster.join(address, cpus=cpus, gpus=gpus)


def worker(  # noqa: PLR0913 - one argument an option
    study: options.Study,
    data: options.Data = None,
    weights: options.Weights = None,
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, help="Leave after so many. Default: stay.")
    ] = None,
    storage: options.Storage = None,
    results: options.Results = RESULTS_DIR,
    artifacts: options.Artifacts = None,
    cache_dir: options.CacheDir = None,
    cache_limit: options.CacheLimit = None,
) -> int:
    """Join a study that 'bcsearch run' has begun, here or on another machine, until its budget is used up."""
    limit = size_in_bytes(cache_limit, "--cache-limit")
    with quiet_imports():
        from rich.console import Console

        from bcsearch.report.live import LiveView
        from bcsearch.study.options import RunOptions
        from bcsearch.study.run import work
    chosen = RunOptions(
        data=data,
        weights=weights,
        trials=trials,
        storage=storage,
        results_dir=results,
        artifacts_dir=artifacts,
        cache_dir=cache_dir,
        cache_limit=limit,
    )
    with LiveView(Console()) as view:
        stayed = work(study, chosen, view)
    if not stayed:
        typer.echo(options.pasteable(f"left; come back with: {options.typed_again()}"))
    return 0 if stayed else STOPPED


def refit(  # noqa: PLR0913 - one argument an option
    study: options.Study,
    trial: Annotated[int | None, typer.Option(help="A completed trial. Default: the best.")] = None,
    data: options.Data = None,
    weights: options.Weights = None,
    storage: options.Storage = None,
    results: options.Results = RESULTS_DIR,
    cache_dir: options.CacheDir = None,
    cache_limit: options.CacheLimit = None,
) -> int:
    """Train the best configuration of a study, or one trial's, on all images and save the model."""
    limit = size_in_bytes(cache_limit, "--cache-limit")
    with quiet_imports():
        from rich.console import Console

        from bcsearch.report.live import LiveView
        from bcsearch.study.options import RunOptions
        from bcsearch.study.run import refit as refit_study
    chosen = RunOptions(
        data=data,
        weights=weights,
        storage=storage,
        results_dir=results,
        cache_dir=cache_dir,
        cache_limit=limit,
    )
    with LiveView(Console()) as view:
        bundle = refit_study(study, trial, chosen, view)
    typer.echo(f"configuration and model: {bundle}")
    return 0
