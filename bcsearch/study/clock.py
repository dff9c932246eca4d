"""The time budget of one command, by the wall clock, and how long a study will still take."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from bcsearch.records.events import BudgetKnown

LOOK_SECONDS = 5.0  # between looks at what the study knows


@dataclass(kw_only=True, eq=False)
class Clock:
    """Counts ``seconds`` from ``begun``, by the monotonic clock.

    Attributes:
        trial_seconds: gives how long trials were trained lately.
        refit_seconds: gives what the refit will take, which is kept free.
        has_model: tells whether there is a trial to refit yet: until then the time does not end.
    """

    seconds: float
    begun: float = field(default_factory=time.monotonic)
    trial_seconds: Callable[[], float] = lambda: 0.0
    refit_seconds: Callable[[], float] = lambda: 0.0
    has_model: Callable[[], bool] = lambda: True
    _looked: float = field(default=-inf, init=False)
    _expected: float = field(default=0.0, init=False)
    _reserve: float = field(default=0.0, init=False)
    _may_end: bool = field(default=False, init=False)

    @property
    def left(self) -> float:
        """Seconds until the time given is over; below zero afterwards."""
        return self.begun + self.seconds - time.monotonic()

    def is_up(self) -> bool:
        """Whether a running trial should end, so that the refit is done in time."""
        if self.left <= self._reserve or not self._may_end:
            self._look(LOOK_SECONDS)
        return self._may_end and self.left <= self._reserve

    def allows_trial(self, look_seconds: float = 0.0) -> bool:
        """Whether another trial may begin, by those that ended; always before there is a model.

        What the study knows may be ``look_seconds`` old.
        """
        self._look(look_seconds)
        return not self._may_end or self.left > self._reserve + self._expected

    def _look(self, most_seconds: float) -> None:
        """Ask what the study knows, unless that was done in the last ``most_seconds``."""
        now = time.monotonic()
        if now - self._looked < most_seconds:
            return
        self._looked = now  # before it asks: a database that is away asks whether the time is up
        self._may_end = self._may_end or self.has_model()
        self._reserve, self._expected = self.refit_seconds(), self.trial_seconds()


class Pace:
    """How fast all workers finish trials, from now on."""

    def __init__(self, known: BudgetKnown) -> None:
        self._begun, self._filled = time.monotonic(), known.filled

    def seconds_left(self, known: BudgetKnown, clock: Clock | None, *, grow: bool) -> float | None:
        """Return how long the search will still take; None before a trial has finished.

        Where the budget may ``grow``, that is the time that is left.
        """
        filled = known.filled - self._filled
        if filled < 1:
            return None
        seconds = (known.trials - known.filled) * (time.monotonic() - self._begun) / filled
        if clock is not None:
            seconds = max(0.0, clock.left if grow else min(seconds, clock.left))
        return seconds
