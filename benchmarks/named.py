"""Repeats or none: the winner of the search against the one that its repeats name, ten times.

Each study has 1,000 cells of its own drawing; both winners are refitted and scored on held-out
cells.
"""

from __future__ import annotations

import os
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bcsearch.records.choice import LINEAR_HEAD
from benchmarks.commands import TEST, read_json, run_command
from benchmarks.elsewhere import SHARED
from benchmarks.recipe import good_cells

N_STUDIES, N_IMAGES, N_TRIALS = 10, 1000, 40
T_95 = 2.262  # of Student's distribution with nine degrees of freedom


def main() -> None:
    """Print the difference in test accuracy and how far scores lie above the truth."""
    if not SHARED.exists():
        print(f"named: left out, {SHARED} is missing")
        return
    with TemporaryDirectory() as folder:
        kept = Path(os.environ.get("BENCH_NAMED", folder))
        kept.mkdir(parents=True, exist_ok=True)
        rows = [_study(kept, number) for number in range(N_STUDIES)]
    _print("test accuracy, named by repeats less best of the search", "named", "best", rows)
    _print("best of the search: its score less its test accuracy", "searched", "best", rows)
    _print("named by repeats: its repeats less its test accuracy", "repeated", "named", rows)


def _study(folder: Path, number: int) -> dict[str, float]:
    cells = folder / f"cells-{number}.npz"
    if not cells.exists():
        with np.load(good_cells(folder)) as arrays:
            data, labels = arrays["data"], arrays["labels"]
        rows = np.random.default_rng(number).permutation(len(data))[:N_IMAGES]
        np.savez(cells, data=data[rows], labels=labels[rows])
    places = ["--results", str(folder / f"results-{number}"), "--cache-dir", str(folder / "cache")]
    run_command(
        "run", "--study", "quickstart", "--trials", str(N_TRIALS), "--data", str(cells), *places,
        "--seed", str(number), "--set", "params.image_size=96", "--set", "params.preprocess=none",
    )  # fmt: skip
    here = ["--study", "quickstart", *places[:2]]
    about = read_json("best", *here)
    ranked = read_json("status", *here)["best"]
    model = folder / f"results-{number}" / "quickstart" / "model"
    truth = {}
    for name, trial in (("named", about["trial"]), ("best", ranked[0]["trial"])):
        which = [] if trial == LINEAR_HEAD else ["--trial", str(trial)]
        run_command("refit", "--study", "quickstart", *which, *places)
        found: dict[str, Any] = read_json("evaluate", "--model", str(model), "--data", str(TEST))
        truth[name] = found["accuracy"]
    chosen = about["chosen"]
    (repeated,) = [each for each in chosen["repeated"] if each["trial"] == chosen["named"]]
    row = {
        **truth,
        "searched": ranked[0]["score"],
        "repeated": mean(repeated["scores"]["accuracy"]),
    }
    print(number, row, flush=True)
    return row


def _print(what: str, first: str, second: str, rows: list[dict[str, float]]) -> None:
    changes = [100 * (row[first] - row[second]) for row in rows]
    margin = T_95 * stdev(changes) / len(changes) ** 0.5
    print(f"{what}: {mean(changes):+.2f} ± {margin:.2f} points (95 %)")


if __name__ == "__main__":
    main()
