"""Takes values out of a search space: what can be left out, and the space without it. Imports the space only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bcsearch.config.space import Param, Space

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.config.known import Value

HALVINGS = 3  # of a range: an eighth of it, its low end, always stays


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """A part of a parameter's domain: one value of a choice, or what lies ``above`` a value of a range."""

    name: str
    value: Value
    above: bool = False

    def concerns(self, values: Mapping[str, Value]) -> bool:
        """Whether a configuration lies in that part."""
        value = values.get(self.name)
        if self.above and isinstance(value, int | float) and isinstance(self.value, int | float):
            return value > self.value
        return value == self.value

    def __str__(self) -> str:
        shown = f"{self.value:.4g}" if isinstance(self.value, float) else str(self.value)
        return f"{self.name} {'above ' if self.above else ''}{shown}"


def removals_of(space: Space, name: str, whole: Space) -> tuple[Removal, ...]:
    """Return what can be left out of a parameter of ``space``, a part of ``whole``; nothing where one is left."""
    param = space.varied.get(name)
    if param is None:
        return ()
    if param.choice is not None:
        return (
            tuple(Removal(name=name, value=value) for value in param.choice)
            if len(param.choice) > 1
            else ()
        )
    low, high = _bounds(param)
    first_low, first_high = _bounds(whole.varied[name])
    if high - low <= (first_high - first_low) / 2**HALVINGS:
        return ()
    middle = (low + high) / 2 if param.floats is not None else _on_grid(param, (low + high) / 2)
    return (Removal(name=name, value=middle, above=True),) if middle < high else ()


def without(space: Space, removal: Removal) -> Space:
    """Return the space without a part; parameters go whose conditions can no longer hold."""
    params: dict[str, Param | Value] = {}
    for name, param in space.params.items():
        kept = _less(param, removal) if name == removal.name else param
        if not isinstance(kept, Param):
            params[name] = kept
            continue
        when = {
            parent: _possible(params.get(parent), values) for parent, values in kept.when.items()
        }
        if all(when.values()):
            params[name] = kept.model_copy(update={"when": when})
    return Space.model_validate({"title": space.title, "params": params})


def _less(param: Param | Value, removal: Removal) -> Param | Value:
    if not isinstance(param, Param):
        return param
    if param.choice is not None:
        return param.model_copy(
            update={"choice": tuple(value for value in param.choice if value != removal.value)}
        )
    low, _ = _bounds(param)
    if low == removal.value:
        return low
    return param.model_copy(
        update={"floats" if param.floats is not None else "ints": (low, removal.value)}
    )


def _on_grid(param: Param, value: float) -> int:
    """Return the highest allowed whole number that is not above ``value``."""
    low, step = int(_bounds(param)[0]), param.step or 1
    return low + step * int((value - low) // step)


def _possible(parent: Param | Value | None, values: tuple[Value, ...]) -> tuple[Value, ...]:
    if isinstance(parent, Param):
        return tuple(value for value in values if parent.holds(value))
    return tuple(value for value in values if value == parent)


def _bounds(param: Param) -> tuple[int | float, int | float]:
    return param.floats or param.ints or (0, 0)
