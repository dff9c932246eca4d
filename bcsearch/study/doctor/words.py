"""Lists and numbers in words, for findings. Imports nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

SHOWN = 5


def listed(things: Iterable[object]) -> str:
    """Return the first few of some things, and how many more there are."""
    words = [str(thing) for thing in things]
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return ", ".join(words[:SHOWN]) + more


def trials(numbers: Collection[int]) -> str:
    """Return trials by their numbers, such as ``trials 3, 4``."""
    return f"{'trial' if len(numbers) == 1 else 'trials'} {listed(sorted(numbers))}"


def many(count: int, thing: str) -> str:
    """Return a count of things, such as ``2 trials``."""
    return f"{count} {thing}{'' if count == 1 else 's'}"
