from __future__ import annotations

import shlex

import pytest

from bcsearch.records.texts import printable, study_option


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;mine\x07", r"\x1b]0;mine\x07"),
        ("\x1b[2J", r"\x1b[2J"),
        ("a\rb\x00\x9b", r"a\rb\x00\x9b"),
        ("gpj\u202e.exe\u2028", r"gpj\u202e.exe\u2028"),
        ("M\udcfcll", r"M\udcfcll"),
        ("Müll 細胞 \u00a0 🙂\tx\n", "Müll 細胞 \u00a0 🙂\tx\n"),
    ],
)
def test_nothing_steers_the_terminal_and_all_else_stays(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable(shown) == shown


@pytest.mark.parametrize("name", ["tiny", "my sweep", "-x", "it's", "$(reboot)", "--", "100%"])
def test_option_of_a_study_is_read_as_its_name_by_a_shell(name: str) -> None:
    first, *rest = shlex.split(study_option(name))
    assert [first, *rest] in (["--study", name], [f"--study={name}"])
    if name.startswith("-"):
        assert not rest
