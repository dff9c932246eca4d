"""The quickstart sweep as shipped on 4,188 real cells, 200 trials: minutes, memory, accuracy on held-out cells."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

TRIALS = 200
DATA, TEST = Path("../shared/data/pbc_dev_96.npz"), Path("../shared/data/pbc_test_96.npz")


def main() -> None:
    """Run the command from a cold cache and print its minutes, its peak of memory, the scores of its model."""
    if not DATA.exists():
        print(f"quickstart: left out, {DATA} is missing")
        return
    with TemporaryDirectory() as folder:
        results = Path(folder) / "results"
        places = ["--results", str(results), "--cache-dir", str(Path(folder) / "cache")]
        started = time.perf_counter()
        process = _start("run", "--study", "quickstart", "--trials", str(TRIALS), "--data", str(DATA), *places)
        peak = _watch_memory(process)
        minutes = (time.perf_counter() - started) / 60
        best = _json("best", "--study", "quickstart", "--results", str(results))
        status = _json("status", "--study", "quickstart", "--results", str(results))
        model = str(results / "quickstart" / "model")
        found = _json("evaluate", "--model", model, "--data", str(TEST))
        cache = sum(path.stat().st_size for path in (Path(folder) / "cache").rglob("*.npy"))
    gigabytes = f"{peak / 1e9:.2f} GB of memory, {cache / 1e9:.2f} GB of cache"
    print(f"quickstart, {TRIALS} trials on {DATA.stem}: {minutes:.1f} minutes, {gigabytes}")
    print(f"  states {status['states']}, best score {best['score']:.4f}, {best['params']}")
    print(f"  accuracy on {TEST.stem}: {found['accuracy']:.4f}, macro F1 {found['macro_f1']:.4f}")


def _start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "bcsearch", *arguments], stdout=subprocess.DEVNULL, text=True)


def _json(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bcsearch", *arguments, "--json"]
    facts: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return facts


def _watch_memory(process: subprocess.Popen[str]) -> int:
    """Wait for the command; return the most bytes that it and its children together held of their own."""
    peak = 0
    while process.poll() is None:
        peak = max(peak, _unique_bytes(process.pid))
        time.sleep(1.0)
    if process.returncode:
        raise SystemExit(f"quickstart ended with exit code {process.returncode}")
    return peak


def _unique_bytes(pid: int) -> int:
    try:
        parent = psutil.Process(pid)
        return sum(each.memory_full_info().uss for each in (parent, *parent.children(recursive=True)))
    except psutil.NoSuchProcess:
        return 0


if __name__ == "__main__":
    main()
