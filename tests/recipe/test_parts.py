from __future__ import annotations

import pytest

from bcsearch.config import SCORE_NAMES, FoldSettings, Limits, Search, Sweep, Training
from bcsearch.errors import ConfigError
from bcsearch.recipe import BY_NAME, PARTS, Range, Value, check_value
from bcsearch.recipe.synonyms import SYNONYMS

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
        ("augment_strength", 0.25),
        ("augment_strength", "0.3"),
        ("preprocess", "circle+grayscale+circle"),
    ],
)
def test_value_of_another_type_or_between_steps_is_refused(name: str, value: Value) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: came {value!r}".replace("+", r"\+")):
        check_value(name, value)


@pytest.mark.parametrize("value", ["grascale", "grayscale+grascale"])
def test_unknown_name_gets_the_nearest_one_also_among_joined_ones(value: str) -> None:
    with pytest.raises(ConfigError, match="unknown value 'grascale'; did you mean 'grayscale'"):
        check_value("preprocess", value)


def test_every_step_may_be_given_with_the_error_of_a_float() -> None:
    for number in range(11):
        check_value("augment_strength", number * 0.1)
    with pytest.raises(ConfigError, match=r"from 0 to 1 in steps of 0\.1"):
        check_value("augment_strength", 0.55)


def test_whole_number_may_stand_for_a_number() -> None:
    check_value("weight_decay", 0)


def test_synonyms_mean_what_is_known_and_are_not_known_themselves() -> None:
    names = {name for part in PARTS for name in getattr(part.domain, "names", ())} | set(BY_NAME)
    sections = (Sweep, Search, FoldSettings, Training, Limits)
    keys = {key for section in sections for key in section.model_fields}
    for word, meant in SYNONYMS.items():
        assert meant in names | keys | set(SCORE_NAMES.names) | {"tpe", "kfold", "split"}, word
        assert word == word.lower()
        assert word not in names


@pytest.mark.parametrize(
    ("name", "value", "meant"), [("activation", "swish", "silu"), ("augment", "Heavy", "strong")]
)
def test_word_of_others_is_told_with_ours(name: str, value: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=f"unknown value '{value}'; did you mean '{meant}'"):
        check_value(name, value)


def test_number_that_no_float_holds_is_refused() -> None:
    with pytest.raises(ConfigError, match="learning_rate: came 9"):
        check_value("learning_rate", 10**400 - 1)
