"""The time budget of one command, by the wall clock."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(kw_only=True, eq=False)
class Clock:
    """Counts ``seconds`` from ``begun``, by the monotonic clock.

    ``has_model`` tells whether there is a trial to refit yet: until then the time does not end.
    ``refit_seconds`` gives what the refit will take, which is kept free.
    """

    seconds: float
    begun: float = field(default_factory=time.monotonic)
    has_model: Callable[[], bool] = lambda: True
    refit_seconds: Callable[[], float] = lambda: 0.0
    _trials: list[float] = field(default_factory=list)
    _reserve: float = 0.0
    _may_end: bool = False

    @property
    def left(self) -> float:
        """Seconds until the time given is over; below zero afterwards."""
        return self.begun + self.seconds - time.monotonic()

    def is_up(self) -> bool:
        """Whether a running trial should end, so that the refit is done in time."""
        return self._may_end and self.left <= self._reserve

    def allows_trial(self) -> bool:
        """Whether another trial may begin, by those that ended.

        Always, before any can be refitted.
        """
        self._may_end = self._may_end or self.has_model()
        if not self._may_end:
            return True
        self._reserve = self.refit_seconds()
        recent = self._trials[-10:]
        expected = 0.0
        if recent:
            expected = sum(recent) / len(recent)
        return self.left > self._reserve + expected

    def trial_ended(self, seconds: float) -> None:
        """Learn how long a trial took."""
        self._trials.append(seconds)
