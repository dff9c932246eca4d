"""A study of 50,000 stored trials: how long it takes to look at it; and how long to join one of 2,000."""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import optuna

from benchmarks.distributed.assignment import STUDY, Assignment
from benchmarks.distributed.crew import Crew
from benchmarks.distributed.databases import sqlite_url
from benchmarks.distributed.diary import read_diaries
from benchmarks.distributed.stored import store_trials

if TYPE_CHECKING:
    from collections.abc import Sequence

LOOKED_AT, JOINED, RUNS = 50_000, 2_000, 3
SPACE = {  # twelve, all of them in every trial
    "augment": {"choice": ["none", "light", "medium"]},
    "units_1": {"choice": [128, 256, 512]},
    "activation": {"choice": ["relu", "gelu"]},
    "dropout": {"float": [0.0, 0.6]},
    "l2": {"float": [0.0, 1e-3]},
    "optimizer": {"choice": ["adam", "adamw"]},
    "learning_rate": {"float": [3e-4, 1e-2], "log": True},
    "schedule": {"choice": ["constant", "cosine", "exponential"]},
    "label_smoothing": {"float": [0.0, 0.15]},
    "class_weights": {"choice": ["none", "balanced"]},
    "batch_size": {"choice": [32, 64, 128]},
    "image_size": {"choice": [96, 160]},
}


def main(looked_at: int = LOOKED_AT, joined: int = JOINED) -> None:
    """Print seconds of whole commands, and of a worker from its start to that of its first trial."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with TemporaryDirectory() as place:
        _make(Path(place), looked_at)
        for command in ("status", "best"):
            words = [
                command,
                "--study",
                STUDY,
                "--storage",
                sqlite_url(Path(place)),
                "--results",
                place,
            ]
            print(
                f"bcsearch {command}, {looked_at} trials: {_seconds(['-m', 'bcsearch', *words]):.2f} s",
                flush=True,
            )
    with TemporaryDirectory() as place:
        _join(_make(Path(place), joined), Path(place), joined)
    imports = {
        name: _seconds(["-c", f"import bcsearch.study.{name}"]) for name in ("worker", "run")
    }
    print(
        f"  bcsearch worker also imports TensorFlow: {imports['run'] - imports['worker']:.1f} s more"
    )


def _make(folder: Path, n_trials: int) -> Assignment:
    """Store a study of so many trials and room for a few more."""
    assignment = Assignment(
        url=sqlite_url(folder), folder=str(folder), trials=1, epochs=1, seconds=0.1, space=SPACE
    )
    desk = assignment.create()
    store_trials(desk, assignment.plan.space, n_trials)
    desk.storage.engine.dispose()
    return assignment


def _join(assignment: Assignment, folder: Path, n_trials: int) -> None:
    crew = Crew(
        module="benchmarks.distributed.worker", assignment=assignment.to_text(), folder=folder
    )
    since = time.time()
    crew.add()
    crew.begin()
    broken = crew.join()
    starts = [line["at"] for line in read_diaries(folder).of("TrialStarted")]
    if broken or not starts:
        raise SystemExit(f"the worker broke: {crew.said}")
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    print(
        f"worker joins {n_trials} trials: {starts[0] - since:.2f} s from its start to its first trial's"
    )
    print(
        f"  from trial to trial then {median(gaps):.2f} s, of them {assignment.seconds:g} training",
        flush=True,
    )


def _seconds(words: Sequence[str]) -> float:
    """Return the median seconds of a Python command."""
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, capture_output=True)
        seconds.append(time.perf_counter() - started)
    return median(seconds)


if __name__ == "__main__":
    main()
