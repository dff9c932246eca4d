from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bcsearch.study.doctor.clocks import check_clocks, skews
from tests.study.doctor.made import at, claim, levels, only, study

if TYPE_CHECKING:
    from bcsearch.storage.study_health import Claim


def worked(worker: str, ahead: float, delay: float = 0.5) -> list[Claim]:
    """Return three trials of a worker, one after the other, the next claimed ``delay`` seconds after each."""
    return [claim(worker, 100 * n, 100 * (n + 1) - delay, trial=n, ahead=ahead) for n in range(3)]


@pytest.mark.parametrize(("ahead", "words"), [(60.0, "ahead of"), (-60.0, "behind")])
def test_machine_whose_clock_is_wrong_is_named(ahead: float, words: str) -> None:
    facts = study(claims=[*worked("right-1", 0.2), *worked("gpu-box-2", ahead)], now=at(400))
    level, text = only(check_clocks(facts))
    assert level == "warning"
    assert "gpu-box is" in text
    assert words in text


@pytest.mark.parametrize("ahead", [0.0, 3.0, -3.0])
def test_clocks_that_nearly_agree_are_fine(ahead: float) -> None:
    assert check_clocks(study(claims=worked("a-1", ahead), now=at(400))) == []


def test_bounds_hold_the_true_difference() -> None:
    for ahead in (-20.0, 0.0, 20.0):
        found = skews(worked("a-1", ahead, delay=4.0), at(400))["a"]
        assert found.least <= ahead <= found.most
        assert found.most - found.least <= 4.0


def test_one_late_start_is_no_proof_of_a_wrong_clock() -> None:
    late = claim("a-1", 0, 200, ahead=30.0)
    assert levels(check_clocks(study(claims=[late], now=at(400)))) == ["note"]


def test_start_that_lies_in_the_future_is_proof() -> None:
    assert levels(check_clocks(study(claims=[claim("a-1", 0, ahead=60.0)], now=at(10)))) == [
        "warning"
    ]


def test_claim_without_a_trial_tells_nothing() -> None:
    assert check_clocks(study(claims=[claim("a-1", 0, trial=None)], now=at(400))) == []
