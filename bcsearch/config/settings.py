"""What ``--set KEY=VALUE`` puts over the content of a sweep and its space."""

from __future__ import annotations

import tomllib
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, time
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from bcsearch.config.space import Param
from bcsearch.config.sweep import Sweep, in_present_form
from bcsearch.errors import ConfigError, unknown
from bcsearch.recipe import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SET = "--set"
PARAMS = "params"  # the part of a space that settings change


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One value, and the place where it stands: the keys that lead to it."""

    place: tuple[str, ...]
    value: Any

    @property
    def is_of_space(self) -> bool:
        """Whether it changes the space, not the sweep."""
        return self.place[0] == PARAMS


def parse_settings(texts: Iterable[str]) -> list[Setting]:
    """Read texts such as ``training.epochs=5``; a value that is no TOML is text.

    Raises:
        ConfigError: a text has no key, or names a parameter without ``params``.
    """
    settings = []
    for text in texts:
        key, equals, value = text.partition("=")
        place = tuple(part.strip() for part in key.split("."))
        if not equals or not all(place):
            raise ConfigError(
                f"{SET}: came {text!r}, allowed: KEY=VALUE, such as training.epochs=5 or "
                "params.backbone=custom"
            )
        if place[0] in BY_NAME and place[0] not in Sweep.model_fields:
            meant = f"{PARAMS}.{key.strip()}"
            raise ConfigError(f"{SET}: {unknown('key', key, Sweep.model_fields, meant)}")
        settings.append(Setting(place=place, value=_value(value)))
    return settings


def over_sweep(content: Mapping[str, Any], settings: Sequence[Setting]) -> dict[str, Any]:
    """Return the content of a sweep with settings over it."""
    changed = dict(content)
    for setting in settings:
        if not setting.is_of_space:
            changed = deepcopy(in_present_form(changed))
            _put(changed, setting.place, setting.value)
    return changed


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedSpace:
    """The content of a space with settings over it, and what they leave out of it, in lines."""

    content: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def over_space(content: Mapping[str, Any], settings: Sequence[Setting]) -> ChangedSpace:
    """Return a space with settings over it.

    Conditions keep those values that the changed parameters can still have. What can act no longer
    is left out. A new domain keeps the condition of the one that it replaces.
    """
    changed = deepcopy(dict(content))
    touched: set[str] = set()
    for setting in _one_by_one(settings):
        place, value = setting.place, setting.value
        if len(place) == 2 and isinstance(changed.get(PARAMS), dict):
            before = changed[PARAMS].get(place[1])
            if isinstance(value, dict) and isinstance(before, dict) and "when" in before:
                value = {"when": before["when"], **value}
            changed[PARAMS][place[1]] = value
        else:
            _put(changed, place, value)
        touched.update(place[1:2])
    notes = []
    if isinstance(changed.get(PARAMS), dict):
        notes = _narrow(changed[PARAMS], touched)
    return ChangedSpace(content=changed, notes=tuple(notes))


def _value(text: str) -> Any:
    """Read a value as TOML where it is one; days and times, which no key takes, stay text."""
    try:
        read = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text.strip()
    if len(read) > 1 or isinstance(read["value"], date | time):
        return text.strip()
    return read["value"]


def _one_by_one(settings: Sequence[Setting]) -> Iterable[Setting]:
    """Yield the settings of a space, a table of parameters as one for each."""
    for setting in settings:
        if setting.place == (PARAMS,) and isinstance(setting.value, dict):
            for name, value in setting.value.items():
                yield Setting(place=(PARAMS, name), value=value)
        elif setting.is_of_space:
            yield setting


def _put(table: dict[str, Any], place: Sequence[str], value: Any) -> None:
    """Put a value where a path of keys leads; a table goes over the table that is there."""
    *above, last = place
    for part in above:
        if not isinstance(table.get(part), dict):
            table[part] = {}
        table = table[part]
    if isinstance(value, dict) and isinstance(table.get(last), dict):
        for key, inner in value.items():
            _put(table[last], [key], inner)
    else:
        table[last] = value


def _narrow(params: dict[str, Any], touched: set[str]) -> list[str]:
    """Take values out of conditions that ``touched`` parameters can no longer have.

    What then can never act is taken out too, and said.
    """
    gone: set[str] = set()
    notes = []
    for name, param in list(params.items()):
        conditions = param.get("when") if isinstance(param, dict) else None
        if not isinstance(conditions, dict):
            continue
        for parent, allowed in conditions.items():
            if not isinstance(allowed, list) or parent not in touched | gone:
                continue
            conditions[parent] = [value for value in allowed if _may_be(params, parent, value)]
            if not conditions[parent]:
                gone.add(name)
                listed = " or ".join(map(str, allowed))
                notes.append(f"{SET}: {name} is left out, it acts only where {parent} is {listed}")
                break
        if name in gone:
            del params[name]
    return notes


def _may_be(params: Mapping[str, Any], name: str, value: Any) -> bool:
    if name not in params:
        return False
    if not isinstance(params[name], dict):
        return bool(params[name] == value)
    try:
        return Param.model_validate(params[name]).holds(value)
    except ValidationError:  # what is wrong with it is told elsewhere
        return True
