from __future__ import annotations

import pytest

from bcsearch import errors
from bcsearch.errors import LONGEST, BcsearchError, DataError, one_line, unknown


@pytest.mark.parametrize(
    ("came", "known", "expected"),
    [
        (
            "resnt18",
            ["vgg19", "resnet18"],
            "unknown backbone 'resnt18'; did you mean 'resnet18'? allowed: resnet18, vgg19",
        ),
        ("zzz", ["vgg19"], "unknown backbone 'zzz'; allowed: vgg19"),
        ("zzz", [], "unknown backbone 'zzz'; allowed: none"),
        (
            "VGG91",
            ["vgg19", "resnet18"],
            "unknown backbone 'VGG91'; did you mean 'vgg19'? allowed: resnet18, vgg19",
        ),
    ],
    ids=["near", "far", "nothing known", "in capitals"],
)
def test_unknown_name_is_told_with_its_nearest_match(
    came: str, known: list[str], expected: str
) -> None:
    assert unknown("backbone", came, known) == expected


def test_every_error_of_ours_is_on_the_one_tree_that_its_file_draws() -> None:
    ours = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    ]
    assert len(ours) == 8
    for kind in ours:
        assert issubclass(kind, BcsearchError)
        assert kind.__name__ in (errors.__doc__ or "")


def test_of_many_names_the_first_are_listed() -> None:
    said = unknown("class", "zzz", [f"class-{number:04d}" for number in range(1000)])
    assert "allowed: class-0000, class-0001, " in said
    assert said.endswith(" more")
    assert len(said) < LONGEST


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb\x1b[2J\u202e", "a\\nb\\x1b[2J\\u202e"),
        ("naïve 日本", "naïve 日本"),
        ("not \udcff text", "not \\udcff text"),
        ("", ""),
    ],
)
def test_line_holds_no_control_characters(text: str, expected: str) -> None:
    assert one_line(text) == expected
    assert str(DataError(text)) == expected


@pytest.mark.parametrize("text", ["x" * 10_000, "x y " * 5_000, f"came {'/a' * 900}, allowed: b"])
def test_long_line_is_cut_in_its_middle(text: str) -> None:
    line = one_line(text)
    assert len(line) <= LONGEST
    assert (line[:5], line[-5:]) == (text[:5], text[-5:])


def test_error_has_a_line_for_each_argument() -> None:
    assert str(BcsearchError("a.toml: x", "b.toml: y\nz")) == "a.toml: x\nb.toml: y\\nz"
