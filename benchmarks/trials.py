"""bcsearch against the plain script on the same trials: seconds a trial, and their scores."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory

import tomli_w

from benchmarks.configurations import (
    BACKBONE,
    BATCH_SIZE,
    CONFIGURATIONS,
    EPOCHS,
    IMAGE_SIZE,
    N_FOLDS,
)

PLAIN_TRIALS = 2  # the plain script is too slow for all ten
SEEDS = (0, 1, 2, 3, 4)
DATA = Path("../shared/data/pbc_mini_96.npz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run of the ten configurations; times are in seconds."""

    command: float  # of the whole command
    trial: float
    overhead: float  # of a trial, besides training
    scores: list[float]


def main() -> None:
    """Print seconds a trial of both sides, cold and warm, and scores of the same configurations."""
    if not DATA.exists():
        print(f"trials: left out, {DATA} is missing")
        return
    plain = _plain()
    with TemporaryDirectory() as folder:
        cold = _bcsearch(Path(folder), SEEDS[0], "cold")
        warm = [_bcsearch(Path(folder), seed, f"warm{seed}") for seed in SEEDS]
    plain_seconds = mean(seconds for seconds, _ in plain)
    cold_seconds = cold.command / len(CONFIGURATIONS)
    warm_seconds = mean(run.trial for run in warm)
    print(f"plain Optuna and Keras: {plain_seconds:.1f} s a trial, {len(plain)} trials measured")
    print(f"bcsearch, ten trials and the refit, from a cold cache: {cold.command:.1f} s")
    print(f"  a tenth of it against a plain trial: {plain_seconds / cold_seconds:.0f} times faster")
    print(f"bcsearch, a trial on a warm cache: {warm_seconds:.2f} s")
    print(f"  {plain_seconds / warm_seconds:.0f} times faster than a plain trial")
    print(f"  of it not training: {mean(run.overhead for run in warm):.3f} s")
    for number, (_, score) in enumerate(plain):
        ours = [run.scores[number] for run in warm]
        between = f"{stdev(ours):.4f} between seeds"
        print(f"trial {number}: plain {score:.4f}, bcsearch {mean(ours):.4f}, {between}")


def _plain() -> list[tuple[float, float]]:
    """Return seconds and score of each trial of the plain script, run in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.plain", str(DATA), str(PLAIN_TRIALS)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{")]
    return [(trial["seconds"], trial["score"]) for trial in found]


def _bcsearch(folder: Path, seed: int, name: str) -> Measured:
    sweep, space = folder / "sweeps" / f"{name}.toml", folder / "search_spaces" / "ten.toml"
    for path, content in ((sweep, _sweep(seed)), (space, _space())):
        path.parent.mkdir(exist_ok=True)
        path.write_text(tomli_w.dumps(content), encoding="utf-8")
    command = [sys.executable, "-m", "bcsearch", "run", "--study", str(sweep), "--data", str(DATA)]
    places = ["--results", str(folder / "results"), "--cache-dir", str(folder / "cache")]
    started = time.perf_counter()
    subprocess.run([*command, *places], check=True, capture_output=True)
    seconds = time.perf_counter() - started
    with (folder / "results" / name / "model" / "trials.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return Measured(
        command=seconds,
        trial=_between(rows) / len(rows),
        overhead=(_between(rows) - sum(float(row["train_seconds"]) for row in rows)) / len(rows),
        scores=[float(row["accuracy"]) for row in rows],
    )


def _between(rows: list[dict[str, str]]) -> float:
    """Return the seconds from the start of the first trial to the end of the last."""
    starts = [datetime.fromisoformat(row["started"]) for row in rows]
    return (max(starts) - min(starts)).total_seconds() + float(rows[-1]["seconds"])


def _sweep(seed: int) -> dict[str, object]:
    return {
        "space": "ten",
        "search": {"trials": len(CONFIGURATIONS), "pruner": "none"},
        "folds": {"n_folds": N_FOLDS},
        "training": {"epochs": EPOCHS, "patience": EPOCHS, "seed": seed},
        "start": [dict(configuration) for configuration in CONFIGURATIONS],
    }


def _space() -> dict[str, object]:
    fixed = {
        "backbone": BACKBONE,
        "image_size": IMAGE_SIZE,
        "batch_size": BATCH_SIZE,
        "head_layers": 1,
    }
    varied = {
        "units_1": {"int": [64, 512]},
        "learning_rate": {"float": [5e-4, 3e-3]},
        "dropout": {"float": [0.0, 0.5]},
    }
    return {"params": {**fixed, **varied}}


if __name__ == "__main__":
    main()
