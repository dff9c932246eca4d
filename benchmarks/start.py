"""How long ``bcsearch --help`` takes, as a user waits for it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

RUNS = 7


def main() -> None:
    """Print the median seconds of the installed command."""
    command = str(Path(sys.executable).with_name("bcsearch"))
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run([command, "--help"], check=True, capture_output=True)
        seconds.append(time.perf_counter() - started)
    print(f"bcsearch --help: {median(seconds):.2f} s")


if __name__ == "__main__":
    main()
