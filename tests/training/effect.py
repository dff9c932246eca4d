"""What a parameter does: a measure of training that rises along some of its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bcsearch.recipe import Params


class Effect(NamedTuple):
    """What rises along some values of a parameter, where others are as given.

    The measure is of a configuration, and of whatever else trains it.
    """

    name: str
    values: Sequence[Any]
    measure: Callable[..., float]
    others: dict[str, Any]

    def configurations(self, fixed: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [{**fixed, **self.others, self.name: value} for value in self.values]

    def check(self, params: Sequence[Params], *trainer: Any) -> None:
        """Check that the measure rises from each configuration to the next."""
        assert len(set(params)) == len(params) > 1
        measured = [self.measure(each, *trainer) for each in params]
        assert measured == sorted(set(measured)), dict(zip(self.values, measured, strict=True))
