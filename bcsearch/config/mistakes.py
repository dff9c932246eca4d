"""What is wrong in the content of a sweep or a space, said in lines."""

from __future__ import annotations

from json import dumps
from re import findall
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from bcsearch import errors
from bcsearch.config.space import Param, Space
from bcsearch.config.sweep import Sweep
from bcsearch.errors import LONGEST, ConfigError, one_line
from bcsearch.recipe import BY_NAME, check_value, meant_by, unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pydantic_core import ErrorDetails

    from bcsearch.recipe import Value

MISTAKES = 8  # of one file that are told; a line holds no more
RANGES = {"float": "[0.1, 0.5]", "int": "[1, 3]"}  # examples of lists, by their key
PYDANTIC_TERMS = {
    "Value error, ": "",
    "Input should be": "allowed:",
    "a valid tuple": "a list",
    "a valid integer": "a whole number",
    "a valid dictionary": "a table",
    "Tuple should have": "allowed:",
    " after validation, not": ", came",
}


def line_of(source: str, mistakes: Sequence[str]) -> list[str]:
    """Return one line that names the mistakes of a file, shortened so that it holds many."""
    if len(mistakes) < 2:
        return [f"{source}: {mistake}" for mistake in mistakes]
    line = f"{one_line(source, 150)}: {len(mistakes)} mistakes: "
    shown = mistakes[:MISTAKES]
    room = (LONGEST - len(line)) // len(shown) - len("(1) ; ")
    line += "; ".join(
        f"({number}) {shorten(mistake, room, placeholder=' ...')}"
        for number, mistake in enumerate(shown, 1)
    )
    return [line + f"; and {len(mistakes) - len(shown)} more" * (len(shown) < len(mistakes))]


def mistakes_of(model: type[BaseModel], data: Any) -> list[str]:
    """Say all that is wrong in the content of a file; nothing where it is sound."""
    try:
        model.model_validate(data)
    except ConfigError as error:
        return list(error.args)
    except ValidationError as error:
        found: dict[tuple[str, ...], str] = {}
        every = error.errors(include_url=False)
        values = {each["loc"][:-1] for each in every if each["loc"][-1:] == ("bool",)}
        for each in every:
            if each["loc"][:-1] in values and each["loc"][-1] in ("int", "float", "str"):
                continue  # of a value that is none of these, told already
            place = tuple(str(part) for part in each["loc"] if not _is_union_branch(part))
            if not any(earlier[: len(place)] == place for earlier in found):
                found[place] = _explain(model, each, list(place))
        mistakes = list(found.values())
        if model is Space and isinstance(data.get("params"), dict):
            wrong = {place[1] for place in found if place[0] == "params"}
            mistakes += mistakes_of(Space, _with_defaults(data["params"], wrong))
        return mistakes
    return []


def _with_defaults(params: Mapping[str, Any], wrong: Collection[str]) -> dict[str, Any]:
    """Return a space with defaults in place of parameters that make no sense."""
    sound: dict[str, Any] = {}
    for name, param in params.items():
        if name in wrong:
            if name in BY_NAME:
                sound[name] = BY_NAME[name].default
            continue
        sound[name] = param
        if isinstance(param, dict):
            when = param.get("when", {}).items()
            sound[name] = param | {"when": {key: of for key, of in when if key not in wrong}}
    return {"params": sound}


def _explain(model: type[BaseModel], error: ErrorDetails, place: list[str]) -> str:
    """Say what is wrong at a place: the key, what came, what is allowed."""
    key = ".".join(place)
    if error["type"] == "extra_forbidden":
        return _unknown_key(model, place)
    if error["type"] == "missing":
        return f"key {key!r} is missing"
    came = error["input"] if isinstance(error["input"], str | int | float) else None
    if error["type"] == "literal_error" and isinstance(came, str):
        allowed = findall("'(.+?)'", error["ctx"]["expected"])
        return f"{key}: {unknown('value', came, allowed)}"
    text = _allowed(model, error, place)
    if came is None or text.startswith("unknown value"):
        return f"{key}: {text}"
    return f"{key}: came {came!r}, {text}"


def _allowed(model: type[BaseModel], error: ErrorDetails, place: list[str]) -> str:
    """Say what may stand at a place, with the line that was meant where that is plain."""
    came = error["input"]
    if error["type"] == "model_type":
        text = f"allowed: a table with the keys {', '.join(_keys_at(model, place))}"
        if model is Space and isinstance(came, list):
            text += f"; to search these write {{ choice = {dumps(came, default=str)} }}"
        return text
    if "bool" in error["loc"]:
        return "allowed: a number, a text, true or false"
    text = _in_toml_terms(error["msg"])
    if error["type"] == "tuple_type" and isinstance(came, str | int | float):
        text += f", such as {RANGES.get(place[-1]) or dumps([came])}"
    return text


def _unknown_key(model: type[BaseModel], place: list[str]) -> str:
    """Say that a key is not known, and which one is meant, here or in another section."""
    *section, name = place
    known = [".".join([*section, key]) for key in _keys_at(model, section)]
    others = [
        f"{other}.{key}"
        for other, field in model.model_fields.items()
        if model is Sweep
        for key in _keys_at(model, [other])
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    ]
    meant = meant_by(name)
    near = next((key for key in known + others if key.rpartition(".")[2] == meant), "")
    if not near:  # of its own section, by its last part alone
        like = errors.nearest(name, _keys_at(model, section))
        near = ".".join([*section, like]) if like else ""
    return errors.unknown("key", ".".join(place), known, near)


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


def mistakes_of_starts(starts: Sequence[Mapping[str, Value]], space: Space) -> dict[int, list[str]]:
    """Say what is wrong with start points in a space, by the number of the point."""
    found = {
        number: [
            f"start[{number}]: {mistake}"
            for name, value in start.items()
            if (mistake := _mistake_in_start(start, space, name, value))
        ]
        for number, start in enumerate(starts)
    }
    return {number: mistakes for number, mistakes in found.items() if mistakes}


def _mistake_in_start(start: Mapping[str, Value], space: Space, name: str, value: Value) -> str:
    if name in space.fixed:
        return f"{name} is fixed at {space.fixed[name]!r} in the space; leave it out"
    if name not in space.varied:
        return unknown("parameter", name, space.varied)
    try:
        check_value(name, value)
    except ConfigError as error:
        return str(error)
    if not space.varied[name].holds(value):
        return f"{name} = {value!r} lies outside the space; see its domain in the space file"
    idle = _idle_because(start, space, name)
    if idle:
        return f"{name} has no effect where {idle}; leave it out"
    return ""


def _idle_because(start: Mapping[str, Value], space: Space, name: str) -> str | None:
    """Say which condition of a parameter the start point itself rules out.

    None where there is none.
    """
    known = {**space.fixed, **start}
    for parent, allowed in space.varied[name].when.items():
        if parent in known and known[parent] not in allowed:
            return f"{parent} = {known[parent]!r}"
    return None
