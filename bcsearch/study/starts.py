"""The configurations that a study tries first, the cheapest first."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bcsearch.backbones.table import count_parameters
from bcsearch.config import read_toml
from bcsearch.config.points import point_of
from bcsearch.errors import ConfigError, StudyError
from bcsearch.recipe import BY_NAME, Params, check_value
from bcsearch.records.events import Notice
from bcsearch.storage import find_study, list_studies, read_overview
from bcsearch.training.stages import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bcsearch.config import Param, Plan, RunOptions
    from bcsearch.recipe import Value
    from bcsearch.records.events import Listener

BEST_TAKEN = 5  # trials of another study


def first_points(plan: Plan) -> list[dict[str, Value]]:
    """Return the configurations to try first: the sweep's, or the cheapest of the space."""
    given = [dict(start) for start in plan.sweep.start] or [cheapest_point(plan)]
    return sorted(given, key=lambda start: _cost(Params(**{**plan.space.fixed, **start})))


def with_starts(plan: Plan, options: RunOptions, url: str, listener: Listener) -> Plan:
    """Give a plan all of its start points: those that the options say, then its own.

    A study that goes on keeps those that it began with: nothing is read then.

    Raises:
        ConfigError: one that was named lies outside the space, or its file cannot be read.
        StudyError: there is no such study, or none of its best trials fits into the space.
    """
    if not options.fresh and _is_begun(url, plan.name):
        return plan
    found: list[dict[str, Value]] = []
    if options.from_config is not None:
        found.append(_fitting(read_config(options.from_config), plan, "--from-config"))
    if options.from_study is not None:
        found += _best_of(options.from_study, plan, url, listener)
    sweep = plan.sweep.model_copy(update={"start": (*found, *first_points(plan))})
    return replace(plan, sweep=sweep)


def _is_begun(url: str, sweep: str) -> bool:
    with suppress(StudyError):  # nothing was ever run there
        return any(study.sweep == sweep and study.uuid for study in list_studies(url))
    return False


def read_config(path: Path) -> dict[str, Value]:
    """Read the parameters of a ``best.toml``.

    Raises:
        ConfigError: it cannot be read, or holds no parameters.
    """
    params = read_toml(path).get("params")
    if not isinstance(params, dict) or not params:
        raise ConfigError(f"{path} has no [params]; give a best.toml, as in results/STUDY/model")
    for name, value in params.items():
        try:
            check_value(name, value)
        except ConfigError as error:
            raise ConfigError(f"{path}: [params] {error}") from error
    return params


def _best_of(name: str, plan: Plan, url: str, listener: Listener) -> list[dict[str, Value]]:
    """Return the best trials of a study that fit into the plan's space."""
    study = read_overview(url, find_study(url, name), n_best=BEST_TAKEN)
    found, complaint = [], study.remedy
    for trial in study.ranked[:BEST_TAKEN]:
        try:
            found.append(_fitting(trial.acting, plan, f"trial {trial.number}"))
        except ConfigError as error:
            complaint = str(error)
    if not found:
        raise StudyError(f"--from-study {name}: none of its best trials can be tried: {complaint}")
    n_best = min(BEST_TAKEN, len(study.ranked))
    line = f"starting with {len(found)} of the {n_best} best trials of study {study.name!r}"
    listener(Notice(text=line))
    return found


def _fitting(values: Mapping[str, Value], plan: Plan, source: str) -> dict[str, Value]:
    try:
        epochs, online = plan.sweep.training.epochs, plan.sweep.views.is_online
        form = partial(canonical, n_epochs=epochs, online=online)
        return point_of(values, plan.space, form)
    except ConfigError as error:
        raise ConfigError(
            f"{source}: {error}; see the space {plan.sweep.space!r}; --set params.NAME=VALUE "
            "changes it, and 'bcsearch refit --config' trains a configuration without a search"
        ) from error


def cheapest_point(plan: Plan) -> dict[str, Value]:
    """Return a point that costs little: a linear head, few small images, nothing unfrozen."""
    values = plan.space.walk(_cheap_value)
    return {name: values[name] for name in plan.space.varied if name in values}


def _cheap_value(name: str, param: Param) -> Value:
    """Return the cheapest value of a parameter, or one in the middle of a range."""
    if name == "backbone":
        return min(param.choice or (), key=lambda backbone: count_parameters(str(backbone)))
    if param.choice is None:
        low, high = param.floats or param.ints or (0, 0)
        if name == "batch_size":
            return high
        if param.ints is not None or name == "unfreeze_fraction" or BY_NAME[name].step:
            return low
        if param.log:
            return float((low * high) ** 0.5)
        return (low + high) / 2
    numbers = [value for value in param.choice if isinstance(value, int | float)]
    if numbers:
        return max(numbers) if name == "batch_size" else min(numbers)
    return next((value for value in param.choice if value == "none"), param.choice[0])


def _cost(params: Params) -> float:
    """Return a number that is higher where a configuration takes longer."""
    work = params.n_views * params.image_size**2 * count_parameters(params.backbone)
    return float(work * (1 + 100 * params.unfreezes) * (1 + params.head_layers))
