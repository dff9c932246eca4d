"""Finds and reads sweep and space files; what is wrong in them becomes one line."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from re import findall, sub
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from bcsearch.config.space import Param, Space
from bcsearch.config.sweep import Sweep
from bcsearch.errors import ConfigError, unknown
from bcsearch.recipe import check_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.recipe import Value

Model = TypeVar("Model", bound=BaseModel)
_PACKAGE = Path(__file__).parent.parent
PYDANTIC_TERMS = {
    "Value error, ": "",
    "Input should be": "allowed:",
    "a valid tuple": "a list",
    "a valid integer": "a whole number",
    "a valid dictionary": "a table",
    "Tuple should have": "allowed:",
    " after validation, not": ", came",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A sweep with the space that it names: all that a study needs besides the data."""

    name: str
    sweep: Sweep
    space: Space

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


def load_plan(name: str, sweeps_dir: Path | None = None) -> Plan:
    """Load the sweep ``name`` (or the path of a sweep file) and its space.

    Raises:
        ConfigError: a file is unknown or unreadable, or a key or value in it is not allowed.
    """
    if sweeps_dir is not None and not sweeps_dir.is_dir():
        raise ConfigError(
            f"--sweeps-dir {sweeps_dir} is not a folder; give the folder that holds sweep files"
        )
    if name.endswith(".toml"):
        path, sweeps_dir = Path(name), sweeps_dir or Path(name).parent
    else:
        files = find_files("sweeps", sweeps_dir)
        _check_study(name, files)
        path = _known_file("sweep", name, files)
    sweep = _parse(Sweep, read_toml(path), str(path))
    space_path = _known_file(
        "search space", sweep.space, find_files("search_spaces", sweeps_dir), f"{path}: space: "
    )
    space = _parse(Space, read_toml(space_path), str(space_path))
    for number, start in enumerate(sweep.start):
        _check_start(start, space, f"{path}: start[{number}]")
    return Plan(name=path.stem, sweep=sweep, space=space)


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


def _check_study(name: str, sweeps: Mapping[str, Path]) -> None:
    """Refuse the name of a study, such as ``quickstart-2``, in place of its sweep's."""
    sweep = sweep_of(name)
    if name not in sweeps and sweep in sweeps:
        raise ConfigError(
            f"{name!r} names a study, what is run is its sweep: --study {sweep} goes on with the "
            "newest study, with --fresh it begins another"
        )


def _known_file(what: str, name: str, files: Mapping[str, Path], where: str = "") -> Path:
    if name not in files:
        raise ConfigError(f"{where}{unknown(what, name, files)}")
    return files[name]


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file. Raises ConfigError where it is missing or is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"cannot read {path}: {error.strerror}; give the path of a sweep file"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error


def _parse(model: type[Model], data: Mapping[str, Any], source: str) -> Model:
    try:
        return model.model_validate(data)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from error
    except ValidationError as error:
        raise ConfigError(f"{source}: {_explain(model, error)}") from error


def _explain(model: type[BaseModel], error: ValidationError) -> str:
    """Say the first thing that is wrong: the key, what came, what is allowed."""
    first = error.errors(include_url=False)[0]
    place = [str(part) for part in first["loc"] if not _is_union_branch(part)]
    key = ".".join(place)
    if first["type"] == "extra_forbidden":
        return unknown(
            "key", key, [".".join([*place[:-1], name]) for name in _keys_at(model, place[:-1])]
        )
    if first["type"] == "missing":
        return f"key {key!r} is missing"
    came = first["input"] if isinstance(first["input"], str | int | float) else None
    if first["type"] == "literal_error" and isinstance(came, str):
        allowed = findall("'(.+?)'", first["ctx"]["expected"])
        return f"{key}: {unknown('value', came, allowed)}"
    text = _in_toml_terms(first["msg"])
    if first["type"] == "model_type":
        text = f"allowed: a table with the keys {', '.join(_keys_at(model, place))}"
    elif "bool" in first["loc"]:
        text = "allowed: a number, a text, true or false"
    if came is None or text.startswith("unknown value"):
        return f"{key}: {text}"
    return f"{key}: came {came!r}, {text}"


def _in_toml_terms(message: str) -> str:
    for theirs, ours in PYDANTIC_TERMS.items():
        message = message.replace(theirs, ours)
    return message


def _is_union_branch(part: str | int) -> bool:
    """Whether pydantic names a branch of ``Param | Value`` by this word, not a key."""
    return part in ("Param", "bool", "str") or (
        isinstance(part, str) and part.startswith("function-after")
    )


def _keys_at(model: type[BaseModel], place: list[str]) -> list[str]:
    if model is Space:
        return [
            field.alias or name for name, field in (Param if place else Space).model_fields.items()
        ]
    for part in place:
        inner = model.model_fields[part].annotation if part in model.model_fields else None
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            model = inner
    return list(model.model_fields)


def _check_start(start: Mapping[str, Value], space: Space, where: str) -> None:
    for name, value in start.items():
        if name not in space.varied:
            raise ConfigError(f"{where}: {unknown('parameter', name, space.varied)}")
        try:
            check_value(name, value)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from error
        if not space.varied[name].holds(value):
            raise ConfigError(
                f"{where}: {name} = {value!r} lies outside the space; "
                "see its domain in the space file"
            )
        idle = _idle_because(start, space, name)
        if idle:
            raise ConfigError(f"{where}: {name} has no effect where {idle}; leave it out")


def _idle_because(start: Mapping[str, Value], space: Space, name: str) -> str | None:
    """Say which condition of a parameter the start point itself rules out.

    None where there is none.
    """
    known = {**space.fixed, **start}
    for parent, allowed in space.varied[name].when.items():
        if parent in known and known[parent] not in allowed:
            return f"{parent} = {known[parent]!r}"
    return None
