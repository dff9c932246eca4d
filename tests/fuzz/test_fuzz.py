from __future__ import annotations

import pytest

from tests.fuzz.doors import DOORS, FETCHES, NEEDED, SERVES, Door, inputs, options_of_commands
from tests.fuzz.harness import broken_rule

SEED, INPUTS = 5, 1000  # by all doors; 'make fuzz' tries ten times as many


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of what damaged files are warned of
@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_whatever_comes_is_used_or_refused_in_one_line(door: Door) -> None:
    broken = [
        wrong for number in inputs(door, INPUTS) if (wrong := broken_rule(door, SEED, number))
    ]
    assert not broken, "\n".join(broken[:5])


def test_every_command_that_ends_is_given_odd_values() -> None:
    assert {*NEEDED, SERVES, FETCHES} == {*options_of_commands()}
