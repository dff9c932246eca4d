"""Worker processes as a supervisor sees them, and those on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from secrets import token_hex
from threading import Thread
from typing import TYPE_CHECKING, Protocol

import joblib

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

STORAGE = "BCSEARCH_STORAGE"  # names the database: no argument, as a URL may hold a password
# names the family of a worker that ends when its standard input does
SUPERVISED = "BCSEARCH_SUPERVISED"
FAMILY = token_hex(8)  # of those that this process starts
THREADS = ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS")  # what the processor cores are divided by
READ_SECONDS = 1.0  # for the last lines of a process that has ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a process ended: with ``code``, or ``lost``, which says by what."""

    code: int
    lost: str = ""


class WorkerProcess(Protocol):
    """A worker that was started, on whatever machine."""

    def poll(self) -> Ended | None:
        """Return how it ended; None while it runs."""

    def terminate(self) -> None:
        """Ask it to release its trial and end."""

    def wait(self) -> None:
        """Wait until it has ended and all it said was told."""


class Launch(Protocol):
    """Starts one worker."""

    def __call__(self, tell: Callable[[str], None]) -> WorkerProcess:
        """Start it; ``tell`` hears every line that it prints, in any thread."""


class Launcher(Protocol):
    """A place where workers can be started."""

    def __call__(
        self, arguments: Sequence[str], environment: Mapping[str, str], n_workers: int
    ) -> Launch:
        """Return what starts them; ``arguments`` are what follows Python on the command line."""


def started(
    arguments: Sequence[str], environment: Mapping[str, str], n_threads: int
) -> subprocess.Popen[str]:
    """Start Python in a process that ends with this one, with ``environment`` over its own."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        env={
            **os.environ,
            **dict.fromkeys(THREADS, str(n_threads)),
            **environment,
            SUPERVISED: FAMILY,
        },
        stdin=subprocess.PIPE,  # closes when this process ends, however it ends
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # Ctrl-C is passed on once, not by the terminal too
    )


def leave_with_supervisor() -> bool:
    """Tell whether a supervisor started this process.

    Then it ends, and releases its trial, when that is gone.
    """

    def wait() -> None:
        sys.stdin.read()
        os.kill(os.getpid(), signal.SIGTERM)

    supervised = bool(os.environ.get(SUPERVISED))
    if supervised:
        Thread(target=wait, daemon=True).start()
    return supervised


@dataclass(frozen=True, slots=True)
class LocalLaunch:
    """Starts workers on this machine, whose cores they divide; see ``Launch``."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    n_workers: int

    def __call__(self, tell: Callable[[str], None]) -> LocalProcess:
        """Start one."""
        n_threads = max(1, joblib.cpu_count() // self.n_workers)
        return LocalProcess(started(self.arguments, self.environment, n_threads), tell)


def _signal_name(number: int) -> str:
    known = {each.value: each.name for each in signal.Signals}
    return known.get(number, f"signal {number}")


class LocalProcess:
    """A worker on this machine; see ``WorkerProcess``."""

    def __init__(self, process: subprocess.Popen[str], tell: Callable[[str], None]) -> None:
        self._process = process
        self._reader = Thread(target=self._read, args=(tell,), daemon=True)
        self._reader.start()

    def poll(self) -> Ended | None:
        """Return how it ended; None while it runs."""
        code = self._process.poll()
        if code is None:
            return None
        return Ended(code=code, lost=f"killed by {_signal_name(-code)}" if code < 0 else "")

    def terminate(self) -> None:
        """Ask it to release its trial and end."""
        self._process.terminate()

    def wait(self) -> None:
        """Wait until it has ended and all it said was told."""
        self._process.wait()
        self._reader.join(timeout=READ_SECONDS)

    def _read(self, tell: Callable[[str], None]) -> None:
        with self._process:
            for line in self._process.stdout or ():
                tell(line.rstrip())
