from __future__ import annotations

import pytest

from bcsearch import errors
from bcsearch.errors import BcsearchError, unknown


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
    ],
    ids=["near", "far", "nothing known"],
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
