"""Runs workers as processes of this machine until a study's budget is used up. Imports the records floor.

A process is replaced when it has run its share of trials, as memory grows in long ones, and when it was killed. The
trial of a killed one is found by its heartbeat and run again by another.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING

from bcsearch.errors import StudyError
from bcsearch.records.events import Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bcsearch.records.events import Listener
    from bcsearch.study.interrupts import Interrupts

LOOK_SECONDS = 0.2  # between looks at the processes
MOST_KILLS = 3  # of one worker, after which it is not started again
SUPERVISED = "BCSEARCH_SUPERVISED"  # set for a worker that ends when its standard input does
THREADS = ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS")  # what the processor cores are divided by


def leave_with_supervisor() -> bool:
    """Tell whether a supervisor started this process; then it ends, and releases its trial, when that is gone."""

    def wait() -> None:
        sys.stdin.read()
        os.kill(os.getpid(), signal.SIGTERM)

    supervised = bool(os.environ.get(SUPERVISED))
    if supervised:
        Thread(target=wait, daemon=True).start()
    return supervised


@dataclass(kw_only=True, eq=False)
class Supervisor:
    """Starts ``command`` ``n_workers`` times, with ``environment`` over this process's own.

    ``is_done`` tells whether the budget is used up.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    n_workers: int
    is_done: Callable[[], bool]
    interrupts: Interrupts
    listener: Listener
    _processes: dict[int, subprocess.Popen[str]] = field(default_factory=dict)
    _kills: dict[int, int] = field(default_factory=dict)
    _readers: list[Thread] = field(default_factory=list)

    def run(self) -> bool:
        """Watch the workers until the budget is used up; False if the user stopped them before.

        Raises:
            StudyError: all workers have ended, but not the budget.
        """
        for number in range(self.n_workers):
            self._start(number)
        try:
            while self._processes and not self.interrupts.asked:
                self._look()
                time.sleep(LOOK_SECONDS)
        finally:
            self._end()
        if self.interrupts.asked:
            return False
        if not self.is_done():
            raise StudyError("all workers have ended before the budget was used up; what they said stands above")
        return True

    def _start(self, number: int) -> None:
        share = max(1, (os.cpu_count() or 1) // self.n_workers)
        process = subprocess.Popen(
            self.command,
            env={**os.environ, **dict.fromkeys(THREADS, str(share)), **self.environment, SUPERVISED: "1"},
            stdin=subprocess.PIPE,  # closes when this process ends, however it ends
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C is passed on once, not by the terminal too
        )
        self._processes[number] = process
        self._readers.append(Thread(target=self._tell, args=(number, process), daemon=True))
        self._readers[-1].start()

    def _tell(self, number: int, process: subprocess.Popen[str]) -> None:
        """Pass on what a worker prints until it ends."""
        with process:
            for line in process.stdout or ():
                self.listener(Notice(text=f"worker {number}: {line.rstrip()}"))

    def _look(self) -> None:
        for number, process in list(self._processes.items()):
            code = process.poll()
            if code is None:
                continue
            del self._processes[number]
            if not self.is_done() and self._goes_on(number, code):
                self._start(number)

    def _goes_on(self, number: int, code: int) -> bool:
        """Whether a worker that ended with ``code`` is started again."""
        if code >= 0:
            return code == 0
        self._kills[number] = self._kills.get(number, 0) + 1
        again = self._kills[number] <= MOST_KILLS
        what = f"worker {number} was killed by {signal.Signals(-code).name}"
        self.listener(Notice(text=f"{what}; {'starting it again' if again else 'it was killed too often'}"))
        return again

    def _end(self) -> None:
        """Ask the workers to end, which releases their trials, and wait; a second Ctrl-C asks again: at once."""
        for _ in range(2):
            with suppress(KeyboardInterrupt):
                for process in self._processes.values():
                    process.terminate()
                for process in self._processes.values():
                    process.wait()
                break
        for reader in self._readers:
            reader.join(timeout=1.0)
