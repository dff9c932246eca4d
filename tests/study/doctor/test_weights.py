from __future__ import annotations

import pytest

from bcsearch.study.doctor.facts import WeightsFacts
from bcsearch.study.doctor.weights import NO_FILE, UNKNOWN, check_weights
from tests.study.doctor.made import only


@pytest.mark.parametrize(
    ("used", "at_hand", "level", "words"),
    [
        ("imagenet", "imagenet", "ok", "net (imagenet)"),
        ("random", "random by design", "ok", "net (random)"),
        ("path", "mine.keras", "ok", "net (path)"),
        ("", "imagenet", "ok", "net (imagenet)"),
        ("random", "to be fetched", "warning", "RANDOM"),
        ("random", "none published", "warning", "RANDOM"),
        ("imagenet", "to be fetched", "note", "not on this machine"),
        ("path", NO_FILE, "warning", "mine.keras"),
        ("imagenet", UNKNOWN, "warning", "no installed package"),
    ],
)
def test_weights_are_judged_by_what_was_used_and_what_is_here(
    used: str, at_hand: str, level: str, words: str
) -> None:
    facts = WeightsFacts(backbone="net", used=used, at_hand=at_hand, file="mine.keras")
    found, text = only(check_weights([facts]))
    assert found == level
    assert words in text


def test_nothing_is_said_of_no_backbone() -> None:
    assert check_weights([]) == []
