"""Keeps a number of workers running until a study's budget is used up.

A worker is replaced when it has run its share of trials, as memory grows in long processes, and
when it was killed or lost with its machine. The trial of a lost one is found by its heartbeat and
run again by another.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from bcsearch.errors import StudyError
from bcsearch.records.events import Notice

if TYPE_CHECKING:
    from collections.abc import Callable

    from bcsearch.records.events import Listener
    from bcsearch.study.interrupts import Interrupts
    from bcsearch.study.processes import Ended, Launch, WorkerProcess

LOOK_SECONDS = 0.2  # between looks at the processes
MOST_LOSSES = 3  # of one worker, each soon after its start, after which it is not started again
SOON_SECONDS = 60.0


@dataclass(kw_only=True, eq=False)
class Supervisor:
    """Starts ``n_workers`` workers; ``is_done`` tells whether the budget is used up."""

    launch: Launch
    n_workers: int
    is_done: Callable[[], bool]
    interrupts: Interrupts
    listener: Listener
    _running: dict[int, WorkerProcess] = field(default_factory=dict)
    _begun: dict[int, float] = field(default_factory=dict)
    _losses: dict[int, int] = field(default_factory=dict)

    def run(self) -> bool:
        """Watch the workers until the budget is used up; False if the user stopped them before.

        Raises:
            StudyError: all workers have ended, but not the budget.
        """
        for number in range(self.n_workers):
            self._start(number)
        try:
            while self._running and not self.interrupts():
                self._look()
                time.sleep(LOOK_SECONDS)
        finally:
            self._end()
        if self.interrupts.asked:
            return False
        if self._has_time() and not self.is_done():
            raise StudyError(
                "all workers have ended before the budget was used up; see their lines above"
            )
        return True

    def _start(self, number: int) -> None:
        self._begun[number] = time.monotonic()
        self._running[number] = self.launch(partial(self._tell, number))

    def _tell(self, number: int, line: str) -> None:
        self.listener(Notice(text=f"worker {number}: {line}"))

    def _look(self) -> None:
        for number, process in list(self._running.items()):
            ended = process.poll()
            if ended is None:
                continue
            del self._running[number]
            process.wait()
            if not self.is_done() and self._goes_on(number, ended):
                self._start(number)

    def _goes_on(self, number: int, ended: Ended) -> bool:
        """Whether a worker that ended so is started again."""
        if not self._has_time():
            return False
        if not ended.lost:
            return ended.code == 0
        soon = time.monotonic() - self._begun[number] < SOON_SECONDS
        self._losses[number] = self._losses.get(number, 0) + 1 if soon else 1
        again = self._losses[number] <= MOST_LOSSES
        what = "starting it again" if again else "it was lost too often"
        self.listener(Notice(text=f"worker {number} was {ended.lost}; {what}"))
        return again

    def _has_time(self) -> bool:
        clock = self.interrupts.clock
        return clock is None or clock.allows_trial()

    def _end(self) -> None:
        """Ask the workers to end, which releases their trials, and wait.

        A second Ctrl-C asks again: at once.
        """
        for _ in range(2):
            with suppress(KeyboardInterrupt):
                for process in self._running.values():
                    process.terminate()
                for process in self._running.values():
                    process.wait()
                break
