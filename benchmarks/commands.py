"""Runs whole commands as a user types them, and reads what they print. Imports the standard library and psutil."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import psutil

DATA, TEST = Path("../shared/data/pbc_dev_96.npz"), Path("../shared/data/pbc_test_96.npz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A run that ended.

    Attributes:
        minutes: from the command to its end.
        peak_bytes: the most that it and its children together held of their own.
        costs: the line in which it says what was planned and what it came to.
    """

    minutes: float
    peak_bytes: int
    costs: str


def run_command(*arguments: str) -> Finished:
    """Run a bcsearch command to its end and watch its memory."""
    command = [sys.executable, "-m", "bcsearch", *arguments]
    with TemporaryFile("w+") as out:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, text=True)
        peak = 0
        while process.poll() is None:
            peak = max(peak, _unique_bytes(process.pid))
            time.sleep(1.0)
        minutes = (time.perf_counter() - started) / 60
        if process.returncode:
            raise SystemExit(f"{' '.join(arguments[:3])} ended with exit code {process.returncode}")
        out.seek(0)
        costs = [line.strip() for line in out if line.startswith("planned")]
    return Finished(
        minutes=minutes, peak_bytes=peak, costs=costs[-1] if costs else "no costs were told"
    )


def read_json(*arguments: str) -> dict[str, Any]:
    """Return what a bcsearch command prints with ``--json``."""
    command = [sys.executable, "-m", "bcsearch", *arguments, "--json"]
    facts: dict[str, Any] = json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
    )
    return facts


def _unique_bytes(pid: int) -> int:
    try:
        parent = psutil.Process(pid)
        return sum(
            each.memory_full_info().uss for each in (parent, *parent.children(recursive=True))
        )
    except psutil.NoSuchProcess:
        return 0
