"""Many changed inputs through every door: ``make fuzz``, or one again by its door and number."""

from __future__ import annotations

import argparse
import sys
import time

from tests.fuzz.doors import DOORS, inputs
from tests.fuzz.harness import broken_rule


def main() -> None:
    """Print every input that breaks a rule; exit code 1 where one does."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000, help="By all doors together.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--door", choices=[door.name for door in DOORS], help="Default: all.")
    parser.add_argument("--number", type=int, help="One input of that door alone.")
    given = parser.parse_args()
    n_inputs = n_broken = 0
    for door in DOORS:
        if given.door not in (None, door.name):
            continue
        numbers = inputs(door, given.inputs) if given.number is None else [given.number]
        begun, broken, done = time.monotonic(), 0, 0
        for number in numbers:
            wrong = broken_rule(door, given.seed, number)
            done += 1
            if wrong:
                broken += 1
                sys.stdout.write(f"{wrong}\n\n")
        seconds = time.monotonic() - begun
        sys.stdout.write(f"{door.name}: {done} inputs, {broken} broke a rule, {seconds:.0f} s\n")
        sys.stdout.flush()
        n_inputs, n_broken = n_inputs + done, n_broken + broken
    sys.stdout.write(f"{n_inputs} inputs, {n_broken} broke a rule\n")
    sys.exit(bool(n_broken))


if __name__ == "__main__":
    main()
