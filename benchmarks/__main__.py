"""Runs the benchmarks named on the command line, or all: ``python -m benchmarks heads trials``."""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = (  # the most expensive last
    *("start", "heads", "suffix", "trials", "quickstart", "check", "recipe", "unfrozen"),
    *("steps", "ranking", "named", "unlike"),
)


def main() -> None:
    """Run what is named, one after the other, as each needs the machine for itself."""
    for name in sys.argv[1:] or NAMES:
        if name not in NAMES:
            raise SystemExit(f"unknown benchmark {name!r}; allowed: {', '.join(NAMES)}")
        import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
