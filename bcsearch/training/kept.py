"""Things kept in memory between trials, the least recently used dropped first."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


class Sized(Protocol):
    """What knows how large it is."""

    @property
    def n_bytes(self) -> int:
        """Bytes in memory."""


Thing = TypeVar("Thing", bound=Sized)


class Kept(Generic[Thing]):
    """Things by key, ``limit_bytes`` together at most; the one asked for last always stays."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._things: OrderedDict[Hashable, Thing] = OrderedDict()

    def clear(self) -> None:
        """Keep nothing of what there was."""
        self._things.clear()

    def get(self, key: Hashable, make: Callable[[], Thing]) -> Thing:
        """Return the thing of ``key``, made where it is not kept."""
        if key not in self._things:
            self._things[key] = make()
        self._things.move_to_end(key)
        while (
            len(self._things) > 1
            and sum(thing.n_bytes for thing in self._things.values()) > self._limit_bytes
        ):
            self._things.popitem(last=False)
        return self._things[key]
