"""One configuration, cross-validated and trained on all images without a search."""

from __future__ import annotations

from dataclasses import replace
from re import sub
from typing import TYPE_CHECKING

from bcsearch.config import parse_plan, read_toml
from bcsearch.errors import ConfigError
from bcsearch.recipe import Params
from bcsearch.records.events import Notice
from bcsearch.study.run import RunResult, run_plan
from bcsearch.study.starts import read_config

if TYPE_CHECKING:
    from pathlib import Path

    from bcsearch.config import RunOptions
    from bcsearch.records.events import Listener


def train_config(
    config: Path, sweep: str | None, options: RunOptions, listener: Listener
) -> RunResult:
    """Cross-validate the configuration of a ``best.toml`` and train it on all images.

    It is a study of one trial, of a space that has this configuration alone; ``sweep`` says how it
    is trained, by default the one that the file is of.

    Raises:
        BcsearchError: something that the user can fix.
    """
    asked = options.plan(sweep or _sweep_of(config))
    content = {
        "sweep": asked.sweep.model_dump(mode="json", exclude={"start"}),
        "space": {"params": read_config(config)},
    }
    how = f"as sweep {asked.name!r} says, up to {asked.sweep.training.epochs} epochs"
    listener(Notice(text=f"training the configuration of {config} {how}"))
    name = f"{asked.name}-c{Params(**content['space']['params']).digest()[:6]}"
    alone = parse_plan(name, content, str(config))
    return run_plan(alone, replace(options, trials=1), listener)


def _sweep_of(config: Path) -> str:
    match read_toml(config):
        case {"study": {"sweep": str(sweep)}}:
            return sub(r"-c[0-9a-f]{6}$", "", sweep)  # it may have been trained alone before
    raise ConfigError(f"{config} does not say of which sweep it is; name one with --study")
