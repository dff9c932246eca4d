"""What may vary: the search space, checked against the table of parameters.

A space file names each parameter once::

    [params]
    learning_rate = { float = [1e-4, 1e-2], log = true }
    head_layers   = { int = [0, 2] }
    units_2       = { choice = [64, 128], when = { head_layers = [2] } }
    image_size    = 96                                     # a plain value does not vary
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bcsearch.errors import ConfigError
from bcsearch.recipe import BY_NAME, Value, check_value, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


MOST_SIZES = 16  # of images
Number = Annotated[float, Field(strict=True)]  # texts of numbers are none
Whole = Annotated[int, Field(strict=True)]


class Param(BaseModel):
    """One parameter that varies: exactly one of ``float``, ``int``, ``choice``.

    Perhaps under a condition.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    # low and high, both included
    floats: tuple[Number, Number] | None = Field(default=None, alias="float")
    ints: tuple[Whole, Whole] | None = Field(default=None, alias="int")
    choice: tuple[Value, ...] | None = None
    log: bool = False
    step: Whole | None = None
    when: dict[str, tuple[Value, ...]] = {}

    @model_validator(mode="after")
    def _has_one_domain(self) -> Self:
        given = {"float": self.floats, "int": self.ints, "choice": self.choice}
        domains = [name for name, domain in given.items() if domain is not None]
        if len(domains) != 1:
            raise ValueError(
                f"give one of float, int, choice, but got {', '.join(domains) or 'none'}"
            )
        if self.choice is not None and not 1 <= len(self.choice) == len(set(self.choice)):
            raise ValueError("choice needs at least one value, and none of them twice")
        return self

    @model_validator(mode="after")
    def _has_a_sound_range(self) -> Self:
        bounds = self.floats or self.ints
        if bounds and bounds[0] >= bounds[1]:
            raise ValueError(f"low must lie below high, but got [{bounds[0]}, {bounds[1]}]")
        if self.log and (not bounds or bounds[0] <= 0):
            raise ValueError("log needs a float or int range above zero")
        if self.step is not None and (self.ints is None or self.log or self.step < 1):
            raise ValueError("step must be 1 or more and goes with int without log")
        return self

    @property
    def ends(self) -> tuple[Value, ...]:
        """The values that must be allowed for the whole domain to be allowed."""
        return self.floats or self.ints or self.choice or ()

    @property
    def n_values(self) -> float:
        """How many values it can have; infinity of a range of floats."""
        if self.choice is not None:
            return len(self.choice)
        if self.ints is not None:
            return 1 + (self.ints[1] - self.ints[0]) // (self.step or 1)
        return inf

    def at(self, share: float) -> Value:
        """Return the value that a share of the domain, in [0, 1), lies below."""
        if self.choice is not None:
            return self.choice[int(share * len(self.choice))]
        low, high = self.floats or self.ints or (0, 0)
        value = low + share * (high - low)
        if self.log:
            value = low * (high / low) ** share
        if self.ints is None:
            return float(value)
        if self.log:
            return round(value)
        return int(low) + int(share * self.n_values) * (self.step or 1)

    def acts_in(self, values: Mapping[str, Value]) -> bool:
        """Whether its conditions hold beside other values."""
        return all(values.get(parent) in allowed for parent, allowed in self.when.items())

    def holds(self, value: Value) -> bool:
        """Whether ``value`` lies in the domain."""
        if self.choice is not None:
            return value in self.choice
        low, high = self.floats or self.ints or (0, 0)
        whole = self.floats is not None or (
            isinstance(value, int) and (value - int(low)) % (self.step or 1) == 0
        )
        return isinstance(value, int | float) and low <= value <= high and whole


class Space(BaseModel):
    """A search space: parameters that vary and parameters that are fixed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = ""
    params: dict[str, Param | Value]

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        mistakes = [
            *(mistake for name in self.params for mistake in self._mistakes_of(name)),
            *self._mistakes_of_sizes(),
            *self._mistakes_of_radius(),
            *self._mistakes_of_schedule(),
        ]
        if mistakes:
            raise ConfigError(*mistakes)
        return self

    def _mistakes_of(self, name: str) -> Iterator[str]:
        """Yield the first value that a parameter may not have, and what its conditions lack."""
        param = self.params[name]
        if name not in BY_NAME:
            yield f"params: {unknown('parameter', name, BY_NAME)}"
            return
        try:
            for value in param.ends if isinstance(param, Param) else (param,):
                check_value(name, value)
        except ConfigError as error:
            yield str(error)
        if isinstance(param, Param):
            if param.log and BY_NAME[name].step:
                yield f"params.{name}: log does not go with its steps; leave log out"
            yield from self._mistakes_of_conditions(name, param)

    def _mistakes_of_schedule(self) -> Iterator[str]:
        param = self.params.get("unfreeze_schedule", "none")
        schedules = set(param.choice or ()) if isinstance(param, Param) else {param}
        if schedules - {"none", "last_layers"} and "unfreeze_fraction" not in self.params:
            yield "params.unfreeze_schedule: it has no effect without unfreeze_fraction; add that"

    def _mistakes_of_sizes(self) -> Iterator[str]:
        param = self.params.get("image_size")
        if not isinstance(param, Param) or param.ints is None:
            return
        if param.n_values > MOST_SIZES or param.log:
            yield (
                f"params.image_size: came {param.n_values} sizes, allowed: at most {MOST_SIZES}, "
                "as each has activations of its own; give a choice of a few, or a step such as 32"
            )

    def _mistakes_of_radius(self) -> Iterator[str]:
        param = self.params.get("circle_radius")
        if isinstance(param, Param) and param.choice is None:
            yield (
                "params.circle_radius: came a range, allowed: a choice of a few, as each has views "
                "and activations of its own, such as { choice = [0.7, 0.9] }"
            )

    def _mistakes_of_conditions(self, name: str, param: Param) -> Iterator[str]:
        before = list(self.params)[: list(self.params).index(name)]
        for parent, values in param.when.items():
            if parent not in before:
                yield f"params.{name}: 'when' names an {unknown('parameter', parent, before)}"
                continue
            domain = self.params[parent]
            strange = [
                v
                for v in values
                if not (domain.holds(v) if isinstance(domain, Param) else v == domain)
            ]
            if strange:
                yield f"params.{name}.when.{parent}: {strange[0]!r} can never be its value"

    @property
    def varied(self) -> dict[str, Param]:
        """The parameters that vary, in the order of the file."""
        return {name: param for name, param in self.params.items() if isinstance(param, Param)}

    @property
    def fixed(self) -> dict[str, Value]:
        """The parameters that are fixed at one value."""
        return {name: value for name, value in self.params.items() if not isinstance(value, Param)}

    def choice_of(self, name: str) -> tuple[Value, ...]:
        """Return every value that the space can give a parameter: of a range its ends."""
        param = self.params.get(name, BY_NAME[name].default)
        if isinstance(param, Param):
            return param.ends
        return (param,)

    def walk(self, draw: Callable[[str, Param], Value]) -> dict[str, Value]:
        """Return a value for each parameter: fixed ones, and drawn ones whose conditions hold."""
        values = dict(self.fixed)
        for name, param in self.varied.items():
            if param.acts_in(values):
                values[name] = draw(name, param)
        return values
