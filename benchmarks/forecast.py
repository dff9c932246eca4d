"""Every shipped sweep on the demo with few trials: what was planned beside what it came to."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

TRIALS = {  # few for the dear ones
    "quickstart": 60,
    "lite": 30,
    "custom": 8,
    "mobilenet": 30,
    "efficientnet": 20,
    "joint": 24,
    "resnet18": 8,
    "vgg19": 8,
    "convnext": 10,
}
PLANNED = r"planned ([\d.]+) minutes, (.+?) of cache, ([\d,]+) passes"
TOOK = r"; took ([\d.]+) minutes over all workers, (.+?) and ([\d,]+) passes"


def main() -> None:
    """Run each sweep from a cold cache and print minutes, cache and passes, planned and real, and their ratio."""
    for sweep, trials in TRIALS.items():
        planned, cache, passes, took, real_cache, real_passes = _costs(sweep, trials)
        print(f"forecast of {sweep}, {trials} trials: planned {planned} minutes, took {took}", end=", ")
        print(f"{float(planned) / float(took):.2f} times; cache {cache} and {real_cache}", end=", ")
        print(f"passes {passes} and {real_passes}", flush=True)


def _costs(sweep: str, trials: int) -> tuple[str, ...]:
    with TemporaryDirectory() as folder:
        places = ["--results", str(Path(folder) / "results"), "--cache-dir", str(Path(folder) / "cache")]
        run = ["run", "--study", sweep, "--trials", str(trials), "--data", "demo", *places]
        command = [sys.executable, "-m", "bcsearch", *run]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(PLANNED + TOOK, out)
    if found is None:
        raise SystemExit(f"{sweep} said nothing of its costs:\n{out}")
    return found.groups()


if __name__ == "__main__":
    main()
