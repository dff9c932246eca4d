"""How much more several workers do than one, with a trainer that sleeps and with the real one."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import optuna

from benchmarks.commands import DATA, run_command
from benchmarks.distributed.assignment import Assignment
from benchmarks.distributed.databases import sqlite_url
from benchmarks.distributed.event_log import read_events
from benchmarks.distributed.processes import Workers

TRIALS, EPOCHS, EPOCH_SECONDS, N_WORKERS = 24, 2, 0.5, 4
REAL_TRIALS, REAL_WORKERS = 60, 2


def main(trials: int = TRIALS, real_trials: int = REAL_TRIALS) -> None:
    """Print trials a minute with the fake trainer, and minutes with the real one."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    one = _sleeping(1, trials)
    several = _sleeping(N_WORKERS, trials)
    print(f"scaling, {trials} trials of {EPOCHS * EPOCH_SECONDS:g} s:")
    print(f"  one worker {one:.1f} trials a minute")
    print(f"  {N_WORKERS} workers {several:.1f}, {several / one:.2f} times", flush=True)
    if DATA.exists():
        _real(real_trials)
    else:
        print(f"scaling of the real trainer: left out, {DATA} is missing")


def _sleeping(n_workers: int, trials: int) -> float:
    """Return the trials a minute of so many workers on one study."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        assignment = Assignment(
            url=sqlite_url(folder),
            folder=place,
            trials=trials,
            epochs=EPOCHS,
            seconds=EPOCH_SECONDS,
        )
        assignment.create().storage.engine.dispose()
        workers = Workers(
            module="benchmarks.distributed.worker", assignment=assignment.to_text(), folder=folder
        )
        for _ in range(n_workers):
            workers.add()
        since = workers.start()
        if workers.join():
            raise SystemExit(f"a worker failed: {workers.stderr}")
        return 60 * trials / read_events(folder).seconds_until(trials, since)


def _real(trials: int) -> None:
    """Run the quickstart sweep with one worker and with two, each on a warm cache."""
    print(f"scaling, quickstart, {trials} trials on {DATA.stem}, whole command:", flush=True)
    minutes = {}
    spans = {}
    with TemporaryDirectory() as place:
        for name, n_workers in {"cold": 1, "one": 1, "two": REAL_WORKERS}.items():
            results = Path(place) / name
            places = ["--results", str(results), "--cache-dir", str(Path(place) / "cache")]
            options = ["--trials", str(trials), "--data", str(DATA), "--workers", str(n_workers)]
            ran = run_command("run", "--study", "quickstart", *options, *places)
            minutes[name] = ran.minutes
            spans[name] = _span(results / "quickstart" / "model" / "trials.csv")
            times = f"{ran.minutes:.2f} minutes, its trials {spans[name]:.2f}"
            print(f"  {name} ({n_workers} workers): {times}", flush=True)
    print(f"  two are {minutes['one'] / minutes['two']:.2f} times as fast as one")
    print(f"  its trials alone {spans['one'] / spans['two']:.2f} times")


def _span(path: Path) -> float:
    """Return the minutes from the start of the first trial to the end of the last."""
    with path.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["started"] and row["seconds"]]
    starts = [datetime.fromisoformat(row["started"]) for row in rows]
    ends = [
        start + timedelta(seconds=float(row["seconds"]))
        for start, row in zip(starts, rows, strict=True)
    ]
    return (max(ends) - min(starts)).total_seconds() / 60


if __name__ == "__main__":
    main()
