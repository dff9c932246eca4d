"""A view as a value: which operations the images went through, with which settings."""

from __future__ import annotations

from dataclasses import dataclass
from json import dumps
from typing import TYPE_CHECKING

from bcsearch.seeds import derive_seed

if TYPE_CHECKING:
    from collections.abc import Mapping

Setting = float | tuple[float, ...]
CHUNK = 256  # images seeded together; part of the meaning of a view


@dataclass(frozen=True, slots=True)
class Applied:
    """One operation as it is applied: its name, its settings and fitted statistics."""

    name: str
    settings: tuple[tuple[str, Setting], ...] = ()

    @property
    def title(self) -> str:
        """Its name, with its strength or severity where it has one, such as ``light at 0.3``.

        Of several draws with its number.
        """
        numbers = dict(self.settings)
        if "number" in numbers:
            return f"{self.name} {numbers['number']:g}"
        for name in ("strength", "severity"):
            if name in numbers:
                return f"{self.name} at {numbers[name]:g}"
        return self.name

    @classmethod
    def of(cls, name: str, settings: Mapping[str, Setting]) -> Applied:
        """Make one; the order of the settings does not matter."""
        return cls(name, tuple(sorted(settings.items())))


@dataclass(frozen=True, slots=True)
class View:
    """All images of a set after some operations; without any it is the original.

    Attributes:
        ops: what is done to every image, in this order.
        copy: the number of a randomly changed copy; 0 where nothing is random.
        seed: acts on random operations.
    """

    ops: tuple[Applied, ...] = ()
    copy: int = 0
    seed: int = 0

    @property
    def title(self) -> str:
        """The view for reading, such as ``grayscale, light (copy 2)``."""
        if not self.ops:
            return "original"
        names = ", ".join(op.title for op in self.ops)
        if not self.copy:
            return names
        return f"{names} (copy {self.copy})"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its operations."""
        return tuple(op.name for op in self.ops)

    @property
    def text(self) -> str:
        """JSON that is equal for equal views only."""
        ops = [[op.name, op.settings] for op in self.ops]
        return dumps([ops, self.copy, self.seed])


def chunk_seed(view: View, op: Applied, start: int) -> int:
    """Return the seed of an operation on the chunk of images that begins with number ``start``."""
    return derive_seed(view.seed, "view", op.name, view.copy, start)
