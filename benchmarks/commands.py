"""Runs whole commands as a user types them, and reads what they print."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

DATA, TEST = Path("../shared/data/pbc_dev_96.npz"), Path("../shared/data/pbc_test_96.npz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A run that ended.

    Attributes:
        minutes: from the command to its end.
        peak_bytes: the most memory that it and its child processes had for themselves.
    """

    minutes: float
    peak_bytes: int


def run_command(*arguments: str) -> Finished:
    """Run a bcsearch command to its end and watch its memory."""
    command = [sys.executable, "-m", "bcsearch", *arguments]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, _unique_bytes(process.pid))
        time.sleep(1.0)
    minutes = (time.perf_counter() - started) / 60
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments[:3])} ended with exit code {process.returncode}")
    return Finished(minutes=minutes, peak_bytes=peak)


def read_json(*arguments: str) -> dict[str, Any]:
    """Return what a bcsearch command prints with ``--json``."""
    command = [sys.executable, "-m", "bcsearch", *arguments, "--json"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    facts: dict[str, Any] = json.loads(printed)
    return facts


def _unique_bytes(pid: int) -> int:
    try:
        parent = psutil.Process(pid)
        family = (parent, *parent.children(recursive=True))
        return sum(process.memory_full_info().uss for process in family)
    except psutil.NoSuchProcess:
        return 0
