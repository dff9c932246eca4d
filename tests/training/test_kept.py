from __future__ import annotations

from dataclasses import dataclass

from bcsearch.training.kept import Kept


@dataclass
class Thing:
    n_bytes: int


def test_least_recently_used_goes_when_they_grow_too_large() -> None:
    kept: Kept[Thing] = Kept(100)
    first = kept.get("a", lambda: Thing(40))
    second = kept.get("b", lambda: Thing(40))
    assert kept.get("a", lambda: Thing(1)) is first
    kept.get("c", lambda: Thing(40))
    assert kept.get("a", lambda: Thing(1)) is first
    assert kept.get("b", lambda: Thing(40)) is not second


def test_what_was_asked_for_last_stays_whatever_its_size() -> None:
    kept: Kept[Thing] = Kept(100)
    large = kept.get("a", lambda: Thing(1000))
    assert kept.get("a", lambda: Thing(1)) is large
