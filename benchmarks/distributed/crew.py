"""Worker processes that begin at the same moment, and what they say on stderr. Imports the standard library only."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

READY = "ready\n"
PATIENCE_SECONDS = 1800.0  # after which a crew counts as stuck


def await_start() -> None:
    """In a worker: say that all is opened, and wait for the word to begin."""
    sys.stdout.write(READY)
    sys.stdout.flush()
    sys.stdin.readline()


@dataclass(kw_only=True, eq=False)
class Crew:
    """Processes that run ``python -m MODULE ASSIGNMENT``; what they say on stderr goes to one file."""

    module: str
    assignment: str
    folder: Path
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def add(self) -> subprocess.Popen[str]:
        """Start one more process, which will wait for the word to begin."""
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

    def begin(self) -> float:
        """Let all begin once all are ready; return the time."""
        for process in self.processes:
            if process.stdout is not None:
                process.stdout.readline()
        for process in self.processes:
            let_begin(process)
        return time.time()

    def join(self) -> int:
        """Wait until every process has ended; return how many ended with an error."""
        deadline = time.monotonic() + PATIENCE_SECONDS
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
    def said(self) -> str:
        """What the processes said on stderr."""
        return self._stderr.read_text(encoding="utf-8") if self._stderr.exists() else ""

    @property
    def _stderr(self) -> Path:
        return self.folder / "stderr.txt"


def let_begin(process: subprocess.Popen[str]) -> None:
    """Give a process the word to begin; one that has ended meanwhile is left to ``join``."""
    if process.stdin is None:
        return
    try:
        process.stdin.write("\n")
        process.stdin.flush()
    except BrokenPipeError:
        return
