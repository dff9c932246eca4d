from __future__ import annotations

from dataclasses import fields

import pytest

from bcsearch.config import KNOWN_PARAMS, Value, check_value
from bcsearch.errors import ConfigError
from bcsearch.records import Params


def test_training_knows_exactly_the_parameters_that_may_be_named() -> None:
    assert list(KNOWN_PARAMS) == [field.name for field in fields(Params)]


@pytest.mark.parametrize("name", KNOWN_PARAMS)
def test_every_default_may_be_given(name: str) -> None:
    check_value(name, getattr(Params(), name))


@pytest.mark.parametrize(
    "name", [name for name, known in KNOWN_PARAMS.items() if known.kind is not str]
)
def test_both_ends_of_a_range_may_be_given_and_nothing_beyond(name: str) -> None:
    known = KNOWN_PARAMS[name]
    check_value(name, known.kind(known.low))
    check_value(name, known.kind(known.high))
    for beyond in (known.low - 1, known.high + 1):
        with pytest.raises(ConfigError, match=f"^{name}: came .*, allowed: a .*number from "):
            check_value(name, known.kind(beyond))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("views", True),
        ("views", 4.0),
        ("views", "4"),
        ("dropout", False),
        ("dropout", "0.1"),
        ("augment", 1),
    ],
)
def test_value_of_another_type_is_refused(name: str, value: Value) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: came {value!r}, allowed: "):
        check_value(name, value)


def test_whole_number_may_stand_for_a_number() -> None:
    check_value("weight_decay", 0)
