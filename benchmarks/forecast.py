"""Shipped sweeps on the demo with few trials: what was planned beside what it came to."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.commands import run_command

TRIALS = {  # few, as some are dear; quickstart and unfrozen tell of larger runs
    "lite": 60,
    "mobilenet": 30,
    "efficientnet": 16,
    "joint": 20,
    "custom": 4,
    "resnet18": 4,
    "vgg19": 6,
    "convnext": 4,
}


def main() -> None:
    """Run each sweep from a cold cache and print its own line of costs."""
    for sweep, trials in TRIALS.items():
        with TemporaryDirectory() as folder:
            places = [
                "--results",
                str(Path(folder) / "results"),
                "--cache-dir",
                str(Path(folder) / "cache"),
            ]
            ran = run_command(
                "run", "--study", sweep, "--trials", str(trials), "--data", "demo", *places
            )
        print(f"forecast of {sweep}, {trials} trials: {ran.costs}", flush=True)


if __name__ == "__main__":
    main()
