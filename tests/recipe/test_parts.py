from __future__ import annotations

import pytest

from bcsearch.errors import ConfigError
from bcsearch.recipe import PARTS, Range, Value, check_value

RANGES = [part for part in PARTS if isinstance(part.domain, Range)]


def test_every_name_stands_once() -> None:
    names = [part.name for part in PARTS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_every_default_may_be_given_and_every_part_says_what_it_does(part) -> None:  # type: ignore[no-untyped-def] # Part
    check_value(part.name, part.default)
    assert part.doc.endswith(".")
    assert part.when
    assert part.domain.allowed


@pytest.mark.parametrize("part", RANGES, ids=lambda part: part.name)
def test_both_ends_of_a_range_may_be_given_and_nothing_beyond(part) -> None:  # type: ignore[no-untyped-def] # Part
    domain = part.domain
    check_value(part.name, domain.kind(domain.low))
    check_value(part.name, domain.kind(domain.high))
    for beyond in (domain.low - 1, domain.high + 1):
        with pytest.raises(ConfigError, match=f"^{part.name}: came .*, allowed: a .*number from "):
            check_value(part.name, domain.kind(beyond))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("views", True),
        ("views", 4.0),
        ("views", "4"),
        ("dropout", False),
        ("dropout", "0.1"),
        ("augment", 1),
        ("preprocess", "none+grayscale"),
    ],
)
def test_value_of_another_type_is_refused(name: str, value: Value) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: came {value!r}".replace("+", r"\+")):
        check_value(name, value)


@pytest.mark.parametrize("value", ["grascale", "grayscale+grascale"])
def test_unknown_name_gets_the_nearest_one_also_among_joined_ones(value: str) -> None:
    with pytest.raises(ConfigError, match="unknown value 'grascale'; did you mean 'grayscale'"):
        check_value("preprocess", value)


def test_whole_number_may_stand_for_a_number() -> None:
    check_value("weight_decay", 0)
