"""Commands that train: run, worker and refit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bcsearch.cli import options
from bcsearch.cli.watch import JsonLines, LogFile, Quiet, watching
from bcsearch.config.options import WORKER_OPTIONS, RunOptions
from bcsearch.errors import ConfigError
from bcsearch.quiet import quiet_imports
from bcsearch.records.texts import study_option

if TYPE_CHECKING:
    from bcsearch.cli.watch import Watch
    from bcsearch.study.run import RunResult

STOPPED = 130  # exit code of a run that was interrupted


def add_to(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("run")(run)
    app.command("worker")(worker)
    app.command("refit")(refit)


@options.takes(
    "settings", "seed", "score", "trials", "minutes", "data", "images_key", "labels_key", "layout",
    "exclude", "no_check", "groups", "groups_from", "join_val", "skip_damaged", "square", "white",
    "test", "weights", "fresh", "from_study", "from_config", "storage", "results_dir",
    "artifacts_dir", "sweeps_dir", "cache_dir", "cache_limit", "max_cache", "workers", "on",
    "address", "worker_cpus", "worker_gpus",
)  # fmt: skip
def run(
    study: options.Sweep,
    chosen: RunOptions,
    quiet: Quiet = False,
    log: LogFile = None,
    as_json: JsonLines = False,
) -> int:
    """Run a sweep, or go on with it: search, then refit the best configuration on all images."""
    with watching(quiet=quiet, log=log, as_json=as_json) as watch:
        chosen.plan(study)  # a wrong name is refused before the frameworks load
        with quiet_imports():
            from bcsearch.study.run import run as run_study
        result = run_study(study, chosen, watch.tell)
    return _end(result, watch, chosen)


def _made_of(bundle: Path) -> list[str]:
    """Return a line on what a model is of, as its description says."""
    from bcsearch.export.about import read_about
    from bcsearch.records.choice import ships_in, trial_name

    about = read_about(bundle) or {}
    match about:
        case {"best": {"trial": int(number)}}:
            return [f"winner: {trial_name(number)}, ships as: {ships_in(about)}"]
    return []


def _end(result: RunResult, watch: Watch, chosen: RunOptions) -> int:
    """Say how a run ended and where to look; return the exit code."""
    from bcsearch.export.about import read_about

    watch.say(watch.headline)
    if result.bundle is not None:
        watch.say(*_made_of(result.bundle))
    else:
        again = options.typed_again(fresh=result.study is None)
        watch.say(options.pasteable(f"stopped; go on with: {again}"))
    if result.study is not None:
        places = options.places(chosen.storage, chosen.results_dir)
        look = f"look with: bcsearch status {study_option(result.study)}{places}"
        watch.say(options.pasteable(look))
    if result.bundle is None:
        watch.end("stopped", study=result.study, bundle=None)
        return STOPPED
    watch.say(f"best configuration and model: {result.bundle}")
    test = (read_about(result.bundle) or {}).get("test")
    watch.end("finished", study=result.study, bundle=str(result.bundle), test=test)
    return 0


@options.takes("storage", "wait", *WORKER_OPTIONS)
def worker(
    study: options.Study, chosen: RunOptions, quiet: Quiet = False, log: LogFile = None
) -> int:
    """Join a study that 'bcsearch run' has begun, here or on another machine."""
    with watching(quiet=quiet, log=log) as watch:
        with quiet_imports():
            from bcsearch.study.run import work
        stayed = work(study, chosen, watch.tell)
    if not stayed:
        watch.say(options.pasteable(f"left; come back with: {options.typed_again()}"))
        return STOPPED
    return 0


@options.takes(
    "data", "test", "weights", "storage", "results_dir", "sweeps_dir", "cache_dir", "cache_limit",
    "accept",
)  # fmt: skip
def refit(
    chosen: RunOptions,
    study: Annotated[
        str | None, typer.Option(help="Study whose best is trained; with --config a sweep.")
    ] = None,
    trial: Annotated[int | None, typer.Option(help="A completed trial. Default: the best.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="A best.toml: its configuration, without a search.")
    ] = None,
    quiet: Quiet = False,
    log: LogFile = None,
) -> int:
    """Train the best configuration of a study, or one trial's, on all images and save the model."""
    if trial is not None and config is not None:
        raise ConfigError("--config and --trial each name a configuration; give one of them")
    if study is None and config is None:
        raise ConfigError("give --study, perhaps with --trial, or --config with a best.toml")
    with watching(quiet=quiet, log=log) as watch:
        if config is not None:
            with quiet_imports():
                from bcsearch.study.single import train_config
            result = train_config(config, study, chosen, watch.tell)
        elif study is not None:
            with quiet_imports():
                from bcsearch.study.run import refit as refit_study
            bundle = refit_study(study, trial, chosen, watch.tell)
    if config is not None:
        return _end(result, watch, chosen)
    watch.say(f"configuration and model: {bundle}")
    return 0
