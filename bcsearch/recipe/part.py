"""What a row of the table of parameters is made of: a domain, a stage, when it acts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import isclose
from typing import TYPE_CHECKING

from bcsearch.plugins import offered
from bcsearch.recipe.synonyms import unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Value = bool | int | float | str


class Where(StrEnum):
    """The stage of training that a parameter belongs to."""

    VIEW = "view"
    NETWORK = "network"
    HEAD = "head"
    LOSS = "loss"
    UPDATE = "update"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers of one ``kind``, from ``low`` to ``high``, both included.

    Attributes:
        step: where given, only its multiples are allowed, and drawn: of what decides on views each
            value costs passes of its own.
    """

    kind: type[int] | type[float]
    low: float
    high: float
    step: float | None = None

    @property
    def allowed(self) -> str:
        """What may be given, for reading."""
        number = {int: "a whole number", float: "a number"}[self.kind]
        steps = f" in steps of {self.step:g}" if self.step else ""
        return f"{number} from {self.low:g} to {self.high:g}{steps}"

    def nearest(self, value: Value) -> int | float:
        """Return the nearest number of this kind that may be given, in steps where it has any."""
        if self.step is None:
            return self.kind(value)
        return self.kind(round(round(float(value) / self.step) * self.step, 9))

    def complaint(self, value: Value) -> str:
        """Say what is wrong with a value; nothing where it may be given."""
        kinds = {int: (int,), float: (int, float)}[self.kind]
        is_number = isinstance(value, kinds) and not isinstance(value, bool)
        if (
            is_number
            and self.low <= value <= self.high  # type: ignore[operator] # no text here
            and isclose(self.nearest(value), value, abs_tol=1e-9)  # type: ignore[arg-type] # too
        ):
            return ""
        return f"came {value!r}, allowed: {self.allowed}"


@dataclass(frozen=True, slots=True)
class Names:
    """One of some names.

    Attributes:
        names: those of bcsearch itself; none at all means that the table is asked when a study is
            made.
        group: the group of entry points by which other packages add names; empty where none can be
            added.
        joined: whether several may be joined by ``+``.
    """

    names: tuple[str, ...] = ()
    group: str = ""
    joined: bool = False

    @property
    def known(self) -> tuple[str, ...]:
        """All names: ours, then those of other packages."""
        if not self.group:
            return self.names
        return (*self.names, *sorted(offered(self.group) - set(self.names)))

    @property
    def allowed(self) -> str:
        """What may be given, for reading."""
        listed = ", ".join(self.known) or "a name"
        if self.joined:
            return f"{listed}, or several joined by +"
        return listed

    def complaint(self, value: Value) -> str:
        """Say what is wrong with a value; nothing where it may be given."""
        if not isinstance(value, str):
            return f"came {value!r}, allowed: {self.allowed}"
        given = [value]
        if self.joined:
            given = value.split("+")
        others = [name for name in given if name not in self.names]
        strange = [name for name in others if self.names and name not in self.known]
        if strange:
            return unknown("value", strange[0], self.known)
        if len(given) > 1 and "none" in given:
            return f"came {value!r}: none cannot be joined with others"
        twice = [name for name in given if given.count(name) > 1]
        if twice:
            return f"came {value!r}: {twice[0]} stands in it twice"
        return ""


@dataclass(frozen=True, slots=True)
class When:
    """When a parameter acts: ``text`` for reading, ``holds`` given all values."""

    text: str
    holds: Callable[[Mapping[str, Value]], bool]


ALWAYS = When("always", lambda values: True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One searchable parameter.

    Attributes:
        domain: what it may be.
        default: what it is where a space does not name it, and where it does not act.
        where: the stage of training that it belongs to.
        doc: what it does, in one sentence.
        acts: when it makes a difference in a configuration.
        traced: whether a training graph depends on it: on the value itself, or of a number with a
            fraction on whether it is above zero. The others are numbers that a graph is given.
        sets: names of the parameters that this one is the short form of; a configuration holds only
            those.
    """

    name: str
    domain: Range | Names
    default: Value
    where: Where
    doc: str
    acts: When = ALWAYS
    traced: bool = False
    sets: tuple[str, ...] = ()

    @property
    def step(self) -> float | None:
        """Of what its numbers are multiples; None where any may be given."""
        if isinstance(self.domain, Range):
            return self.domain.step
        return None

    @property
    def default_text(self) -> str:
        """Its default, for reading."""
        if self.sets:
            return "that of each"
        return str(self.default)

    @property
    def when(self) -> str:
        """When it acts, for reading."""
        return self.acts.text
