"""Parameters that a space names though they can never act in it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING

from bcsearch.recipe import BY_NAME, Part, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bcsearch.config.space import Space


def idle_in(space: Space) -> list[str]:
    """Return a line for each parameter that is given in vain, whatever the others are."""
    fixed = {name for name, value in space.fixed.items() if value != BY_NAME[name].default}
    lines = []
    for name in space.params:
        parts = _long_forms(BY_NAME[name])
        if name not in fixed | space.varied.keys() or any(_can_act(part, space) for part in parts):
            continue
        does = f"sets {name} to {space.fixed[name]!r}" if name in fixed else f"searches {name}"
        lines.append(f"the space {does} in vain: it acts {parts[0].when}")
    return lines


def _long_forms(part: Part) -> list[Part]:
    return [BY_NAME[name] for name in part.sets] or [part]


def _can_act(part: Part, space: Space) -> bool:
    """Whether a parameter acts beside some values that the space can give to others."""
    choices: dict[str, tuple[Value, ...]] = {}
    while True:
        asked: set[str] = set()
        for values in product(*choices.values()):
            known = _Asked(dict(zip(choices, values, strict=True)), asked)
            if part.acts.holds(known) and asked <= choices.keys():
                return True
        if asked <= choices.keys():
            return False
        choices |= {name: space.choice_of(name) for name in asked - choices.keys()}


class _Asked(Mapping[str, Value]):
    """Values, defaults for the rest, that notes for which names it is asked."""

    def __init__(self, known: Mapping[str, Value], asked: set[str]) -> None:
        self._known, self._asked = known, asked

    def __getitem__(self, name: str) -> Value:
        self._asked.add(name)
        return self._known.get(name, BY_NAME[name].default)

    def __iter__(self) -> Iterator[str]:
        return iter(BY_NAME)

    def __len__(self) -> int:
        return len(BY_NAME)
