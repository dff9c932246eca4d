from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.report.columns import aligned

if TYPE_CHECKING:
    import pytest


def test_columns_are_aligned_on_the_side_that_is_asked_for() -> None:
    assert aligned([("a", "1"), ("long", "20")], ("name", "n"), right=[1]).splitlines() == [
        "name   n",
        "a      1",
        "long  20",
    ]


def test_without_headings_there_are_rows_alone() -> None:
    assert aligned([("a", "b"), ("aa", "b")], ("", "")).splitlines() == ["a   b", "aa  b"]


def test_cells_are_never_cut_wrapped_or_read_as_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("FORCE_COLOR", "1")
    cell = "[red]a word " * 100
    assert aligned([(cell, ":smile:")], ("", "")) == f"{cell}  :smile:"


def test_control_characters_of_others_do_not_reach_the_terminal() -> None:
    assert "\x07" not in aligned([("a\x07b",)], ("name",))
