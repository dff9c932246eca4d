"""Worker processes that start at the same moment, and what they write to stderr."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

READY = "ready\n"
MOST_SECONDS = 1800.0  # after which workers count as stuck


def await_start() -> None:
    """In a worker: report that everything is open, and wait for the signal to start."""
    sys.stdout.write(READY)
    sys.stdout.flush()
    sys.stdin.readline()


@dataclass(kw_only=True, eq=False)
class Workers:
    """Processes that run ``python -m MODULE ASSIGNMENT``; their stderr goes to one file."""

    module: str
    assignment: str
    folder: Path
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def add(self) -> subprocess.Popen[str]:
        """Start one more process, which waits for the signal to start."""
        with self._stderr.open("ab") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", self.module, self.assignment],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        self.processes.append(process)
        return process

    def start(self) -> float:
        """Let all start once all are ready; return the time."""
        for process in self.processes:
            if process.stdout is not None:
                process.stdout.readline()
        for process in self.processes:
            let_start(process)
        return time.time()

    def join(self) -> int:
        """Wait until every process has ended; return how many ended with an error."""
        deadline = time.monotonic() + MOST_SECONDS
        try:
            codes = [
                process.wait(max(1.0, deadline - time.monotonic())) for process in self.processes
            ]
        finally:
            self.kill()
        return sum(code != 0 for code in codes)

    def remove(self, process: subprocess.Popen[str]) -> None:
        """End a process if it still runs, and forget it."""
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        self.processes.remove(process)

    def kill(self) -> None:
        """End what still runs."""
        for process in list(self.processes):
            self.remove(process)

    @property
    def stderr(self) -> str:
        """What the processes wrote to stderr."""
        if not self._stderr.exists():
            return ""
        return self._stderr.read_text(encoding="utf-8")

    @property
    def _stderr(self) -> Path:
        return self.folder / "stderr.txt"


def let_start(process: subprocess.Popen[str]) -> None:
    """Signal a process to start; one that has ended by now is left to ``join``."""
    if process.stdin is None:
        return
    try:
        process.stdin.write("\n")
        process.stdin.flush()
    except BrokenPipeError:
        return
