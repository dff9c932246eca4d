"""A configuration of another study as a point of a search space, or what speaks against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.errors import ConfigError
from bcsearch.recipe import BY_NAME, Params, Value, check_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bcsearch.config.space import Param, Space


def point_of(
    values: Mapping[str, Value],
    space: Space,
    canonical: Callable[[Params], Params] = lambda params: params,
) -> dict[str, Value]:
    """Return the point of ``space`` that trains as a configuration does.

    Args:
        values: of the parameters that act, by name, as ``best.toml`` has them.
        space: where the point should lie.
        canonical: makes configurations equal that train alike.

    Raises:
        ConfigError: there is none; the message names the first parameter that cannot have its
            value.
    """
    for name, value in values.items():
        check_value(name, value)
    params = canonical(Params(**values))

    def value_of(name: str, param: Param) -> Value:
        found = _value_in(params, name, space)
        if found is None:
            found = param.at(0.0)  # acts on nothing here
        if name == "unfreeze_fraction":
            found = _at_same_cut(params, param, canonical)
        if not param.holds(found):
            return _idle(
                name, found, param, lambda other: canonical(params.but(**{name: other})) != params
            )
        return found

    walked = space.walk(value_of)
    here = canonical(Params(**walked)).acting
    for name, value in params.acting.items():
        if here.get(name) != value:
            raise ConfigError(
                f"{name} = {value!r} cannot be had in the space, where it is {here.get(name)!r}"
            )
    return {name: walked[name] for name in space.varied if name in walked}


def _at_same_cut(params: Params, param: Param, canonical: Callable[[Params], Params]) -> Value:
    """Return the choice that unfreezes as much; the share itself where there is none."""
    share: Value = params["unfreeze_fraction"]
    for choice in param.choice or ():
        if canonical(params.but(unfreeze_fraction=choice))["unfreeze_fraction"] == share:
            return choice
    return share


def _idle(name: str, came: Value, param: Param, acts: Callable[[Value], bool]) -> Value:
    """Return a value that the space holds in place of one that does not act in the sweep.

    Raises:
        ConfigError: it acts.
    """
    if acts(param.at(0.0)):
        raise ConfigError(f"{name} = {came!r} lies outside the space")
    return param.at(0.0)


def _value_in(params: Params, name: str, space: Space) -> Value | None:
    """Return a parameter's value; of a short form that of the places which have none of their own.

    None where there is no such place.

    Raises:
        ConfigError: they differ.
    """
    short_for = BY_NAME[name].sets
    if not short_for:
        return params[name]
    places = [each for each in short_for if each not in space.params and each in params.acting]
    found = {params[each] for each in places}
    if len(found) > 1:
        listed = ", ".join(f"{each} = {params[each]!r}" for each in places)
        raise ConfigError(f"{name} has one value in the space, here {listed}")
    return found.pop() if found else None
