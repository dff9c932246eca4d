"""Finds and reads sweep and space files, and puts over them what a command sets."""

from __future__ import annotations

import os
import tomllib
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from re import sub
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from bcsearch.config.idle import idle_in
from bcsearch.config.mistakes import line_of, mistakes_of, mistakes_of_starts
from bcsearch.config.settings import (
    SET,
    ChangedSpace,
    Setting,
    over_space,
    over_sweep,
    parse_settings,
)
from bcsearch.config.space import Space
from bcsearch.config.sweep import Sweep
from bcsearch.errors import ConfigError
from bcsearch.paths import check_name, read_text
from bcsearch.recipe import unknown
from bcsearch.records.texts import study_option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Model = TypeVar("Model", bound=BaseModel)
_PACKAGE = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A sweep with the space that it names: all that a study needs besides the data.

    ``notes`` say what the settings of a command left out, a line each.
    """

    name: str
    sweep: Sweep
    space: Space
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def largest_size(self) -> int:
        """The largest ``image_size`` of the space: images are kept no larger."""
        return max(int(size) for size in self.space.choice_of("image_size"))


def find_files(folder: str, chosen_dir: Path | None = None) -> dict[str, Path]:
    """Return the TOML files of ``sweeps`` or ``search_spaces`` by name.

    ``chosen_dir`` holds sweeps, and search spaces lie in the folder of that name beside it: they
    come before the current folder's own, and those before the files shipped with the package.
    """
    places = [_PACKAGE.parent / folder, _PACKAGE / "shipped" / folder, Path(folder)]
    if chosen_dir is not None:
        places.append(chosen_dir if folder == "sweeps" else chosen_dir.parent / folder)
    return {path.stem: path for place in places for path in sorted(place.glob("*.toml"))}


def load_plan(name: str, sweeps_dir: Path | None = None, settings: Sequence[str] = ()) -> Plan:
    """Load the sweep ``name`` (or the path of a sweep file) and its space.

    ``settings`` go over both, each a text such as ``training.epochs=5`` or ``params.views=8``. A
    start point that they rule out is left out; ``Plan.notes`` say so.

    Raises:
        ConfigError: a file is unknown or unreadable, or keys or values are not allowed; it has one
            line a file, with all mistakes in it, and one of the settings.
    """
    chosen = parse_settings(settings)
    path, spaces = _find_sweep(name, sweeps_dir)
    given = _read_unfinished(path)
    content = over_sweep(given, chosen)
    found: dict[str, list[str]] = defaultdict(list)  # mistakes, by where they stand
    _collect(found, str(path), Sweep, given, content)
    space, named = ChangedSpace(), content.get("space")
    if isinstance(named, str) and named in spaces:
        space_given = _read_unfinished(spaces[named])
        space = over_space(space_given, chosen)
        _collect(found, str(spaces[named]), Space, space_given, space.content)
    elif isinstance(named, str):
        source = str(path) if named == given.get("space") else SET
        found[source].append(f"space: {unknown('search space', named, spaces)}")
    if not found:
        plan = Plan(
            name=check_name(path.stem),
            sweep=Sweep(**content),
            space=Space(**space.content),
            notes=space.notes,
        )
        plan = replace(plan, notes=plan.notes + tuple(idle_in(plan.space)))
        return _check_starts(plan, str(path), chosen)
    raise ConfigError(
        *(
            line
            for source in sorted(found, key=SET.__eq__)
            for line in line_of(source, found[source])
        )
    )


def parse_plan(name: str, data: Mapping[str, Any], source: str) -> Plan:
    """Rebuild a plan from its settings as a study keeps them, ``{"sweep": ..., "space": ...}``."""
    return Plan(
        name=name,
        sweep=_parse(Sweep, data.get("sweep", {}), source),
        space=_parse(Space, data.get("space", {}), source),
    )


def sweep_of(study: str) -> str:
    """Return the name of the sweep that a study is named after, with a number or without."""
    return sub(r"-\d+$", "", study)


def _find_sweep(name: str, sweeps_dir: Path | None) -> tuple[Path, dict[str, Path]]:
    """Return the file of a sweep, and those of the spaces that it may name."""
    if sweeps_dir is not None and not os.path.isdir(sweeps_dir):
        raise ConfigError(
            f"--sweeps-dir {sweeps_dir} is not a folder; give the folder that holds sweep files"
        )
    if name.endswith(".toml"):
        path = Path(name)
        return path, find_files("search_spaces", sweeps_dir or path.parent)
    files = find_files("sweeps", sweeps_dir)
    _check_study(name, files)
    if name not in files:
        raise ConfigError(unknown("sweep", name, files))
    return files[name], find_files("search_spaces", sweeps_dir)


def _collect(
    found: dict[str, list[str]],
    source: str,
    model: type[BaseModel],
    given: Mapping[str, Any],
    content: Mapping[str, Any],
) -> None:
    """Add the mistakes of a file's content; those that it did not have as given are of settings."""
    before = mistakes_of(model, given)
    for mistake in mistakes_of(model, content):
        found[source if mistake in before else SET].append(mistake)


def _check_starts(plan: Plan, source: str, settings: Sequence[Setting]) -> Plan:
    """Return a plan with those of its file's start points that settings of the space leave.

    Raises:
        ConfigError: a start point makes no sense, and no setting of the space is why.
    """
    keys = {setting.place[0] for setting in settings}
    starts = plan.sweep.start
    if "start" not in keys and keys & {"params", "space"}:
        fixed = plan.space.fixed.items()
        starts = tuple(
            {name: value for name, value in start.items() if (name, value) not in fixed}
            for start in starts
        )
    mistakes = mistakes_of_starts(starts, plan.space)
    if starts is plan.sweep.start and mistakes:
        every = [line for lines in mistakes.values() for line in lines]
        raise ConfigError(*line_of(SET if "start" in keys else source, every))
    kept = tuple(start for number, start in enumerate(starts) if start and number not in mistakes)
    left_out = tuple(
        f"{SET}: a start point is left out: {line.partition('; ')[0]}"
        for line, *_ in mistakes.values()
    )
    sweep = plan.sweep.model_copy(update={"start": kept})
    return replace(plan, sweep=sweep, notes=plan.notes + left_out)


def _check_study(name: str, sweeps: Mapping[str, Path]) -> None:
    """Refuse the name of a study, such as ``quickstart-2``, in place of its sweep's."""
    sweep = sweep_of(name)
    if name not in sweeps and sweep in sweeps:
        raise ConfigError(
            f"{name!r} names a study, what is run is its sweep: {study_option(sweep)} goes on with "
            "the newest study, with --fresh it begins another"
        )


def _read_unfinished(path: Path) -> dict[str, Any]:
    """Read a sweep or a space. Raises ConfigError as well where it is of a finished model."""
    content = read_toml(path)
    if {"best", "params", "versions"} <= content.keys():
        raise ConfigError(
            f"{path} describes a finished model, it is no sweep and no space; to begin with it: "
            f"'bcsearch run --study NAME --from-config {path}'"
        )
    return content


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file. Raises ConfigError where it is missing or is not TOML."""
    try:
        return tomllib.loads(read_text(path))
    except OSError as error:
        raise ConfigError(
            f"cannot read {path}: {error.strerror}; give the path of a TOML file"
        ) from error
    except RecursionError as error:
        raise ConfigError(f"{path} is not valid TOML: lists or tables are too deep") from error
    except ValueError as error:
        reason = str(error).replace("Cannot overwrite a value", "a key stands there once more")
        raise ConfigError(f"{path} is not valid TOML: {reason}") from error


def _parse(model: type[Model], data: Any, source: str) -> Model:
    mistakes = mistakes_of(model, data)
    if mistakes:
        raise ConfigError(*line_of(source, mistakes))
    return model.model_validate(data)
