"""Runs the figures named on the command line: ``python -m benchmarks.distributed storm large``."""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = ("large", "storm", "scaling", "chaos")


def main() -> None:
    """Run what is named, one after the other, as each needs the machine for itself."""
    for name in sys.argv[1:] or NAMES:
        if name not in NAMES:
            raise SystemExit(f"unknown figure {name!r}; allowed: {', '.join(NAMES)}")
        import_module(f"benchmarks.distributed.{name}").main()


if __name__ == "__main__":
    main()
