"""One configuration: a value for every parameter of the table."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from json import dumps
from typing import TYPE_CHECKING, Any

from bcsearch.recipe.conditions import unfreezes
from bcsearch.recipe.part import Range, Value
from bcsearch.recipe.parts import BY_NAME, PARTS

if TYPE_CHECKING:
    from collections.abc import Iterator


class Params(Mapping[str, Value]):
    """A frozen mapping from the names of the table to values; values are attributes too.

    Short forms are written out, and what cannot act is at its default, so configurations that train
    alike are equal.

    Raises:
        TypeError: a name is not in the table.
    """

    __slots__ = ("_values",)

    def __init__(self, **given: Value) -> None:
        strange = sorted(set(given) - set(BY_NAME))
        if strange:
            raise TypeError(f"no parameter is called {strange[0]!r}")
        long = written_out(given)
        own = [part for part in PARTS if not part.sets]
        values = {part.name: long.get(part.name, part.default) for part in own}
        for part in own:
            if isinstance(part.domain, Range):  # so that 0 and 0.0 are equal configurations
                values[part.name] = part.domain.nearest(values[part.name])
        for part in own:
            if not part.acts.holds(values):
                values[part.name] = part.default
        self._values = values

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(f"no parameter is called {name!r}")
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(tuple(self._values.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return _from_values, (dict(self._values),)

    def __repr__(self) -> str:
        return f"Params({self.acting})"

    def but(self, **changes: Value) -> Params:
        """Return the same configuration with other values."""
        return Params(**{**self._values, **written_out(changes)})

    @property
    def acting(self) -> dict[str, Value]:
        """The values of the parameters that make a difference in this configuration."""
        return {
            name: value for name, value in self._values.items() if BY_NAME[name].acts.holds(self)
        }

    @property
    def units(self) -> tuple[int, ...]:
        """Widths of the hidden dense layers, from the features on."""
        return tuple(self._of_layers("units", 1))

    @property
    def activations(self) -> tuple[str, ...]:
        """Activations of the hidden dense layers, from the features on."""
        return tuple(self._of_layers("activation", 1))

    @property
    def dropouts(self) -> tuple[float, ...]:
        """Dropout before the first layer, then behind each hidden layer."""
        return tuple(self._of_layers("dropout", 0))

    @property
    def n_views(self) -> int:
        """Stored views of the images, the original among them: 1 without augmentation."""
        if self.augment == "none":
            return 1
        return int(self.views)

    @property
    def unfreezes(self) -> bool:
        """Whether any of the backbone is trained."""
        return unfreezes(self)

    def digest(self) -> str:
        """Return 16 hexadecimal digits that are equal for equal configurations.

        Only what differs from its default is in them, so a parameter that is added changes none.
        """
        differing = {
            name: value for name, value in self._values.items() if value != BY_NAME[name].default
        }
        text = dumps(differing, sort_keys=True)
        return blake2b(text.encode(), digest_size=8).hexdigest()

    def _of_layers(self, name: str, first: int) -> list[Any]:
        last = int(self.head_layers)
        return [self._values[f"{name}_{number}"] for number in range(first, last + 1)]


def written_out(given: Mapping[str, Value]) -> dict[str, Value]:
    """Return values with each short form replaced by the parameters that it stands for."""
    long = {name: value for name, value in given.items() if not BY_NAME[name].sets}
    for name, value in given.items():
        for each in BY_NAME[name].sets:
            long.setdefault(each, value)
    return long


def _from_values(values: dict[str, Value]) -> Params:
    return Params(**values)
