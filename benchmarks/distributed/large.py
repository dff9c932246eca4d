"""How long it takes to read a study of 50,000 stored trials, and to join one of 2,000."""

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
from benchmarks.distributed.databases import sqlite_url
from benchmarks.distributed.event_log import read_events
from benchmarks.distributed.processes import Workers
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
    """Print seconds of whole commands, and of a worker until its first trial starts."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with TemporaryDirectory() as place:
        _make(Path(place), looked_at)
        for command in ("status", "best", "doctor"):
            places = ["--storage", sqlite_url(Path(place)), "--results", place]
            seconds = _seconds(["-m", "bcsearch", command, "--study", STUDY, *places])
            print(f"bcsearch {command}, {looked_at} trials: {seconds:.2f} s", flush=True)
    with TemporaryDirectory() as place:
        _join(_make(Path(place), joined), Path(place), joined)
    heavy = _seconds(["-c", "import bcsearch.study.run"])
    light = _seconds(["-c", "import bcsearch.study.worker"])
    print(f"  bcsearch worker also imports TensorFlow: {heavy - light:.1f} s more")


def _make(folder: Path, n_trials: int) -> Assignment:
    """Store a study of so many trials and room for a few more."""
    assignment = Assignment(
        url=sqlite_url(folder), folder=str(folder), trials=1, epochs=1, seconds=0.1, space=SPACE
    )
    session = assignment.create()
    store_trials(session, assignment.plan.space, n_trials)
    session.storage.engine.dispose()
    return assignment


def _join(assignment: Assignment, folder: Path, n_trials: int) -> None:
    workers = Workers(
        module="benchmarks.distributed.worker", assignment=assignment.to_text(), folder=folder
    )
    since = time.time()
    workers.add()
    workers.start()
    broken = workers.join()
    starts = [line["at"] for line in read_events(folder).of("TrialStarted")]
    if broken or not starts:
        raise SystemExit(f"the worker failed: {workers.stderr}")
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    joined = starts[0] - since
    print(f"worker joins {n_trials} trials: {joined:.2f} s from its start to its first trial's")
    training = f"of them {assignment.seconds:g} training"
    print(f"  from trial to trial then {median(gaps):.2f} s, {training}", flush=True)


def _seconds(arguments: Sequence[str]) -> float:
    """Return the median seconds of a Python command."""
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        seconds.append(time.perf_counter() - started)
    return median(seconds)


if __name__ == "__main__":
    main()
