"""The table of learning-rate schedules: which share of the first rate each epoch has."""

from __future__ import annotations

from math import cos, pi
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PLATEAU_EPOCHS = 3  # epochs without a better fold mean before the rate is cut

# from the share of the epochs that are done, 0 to 1, and the number of cuts, to the share of the
# first rate
SCHEDULES: dict[str, Callable[[float, int], float]] = {
    "constant": lambda done, cuts: 1.0,
    "cosine": lambda done, cuts: 0.5 * (1.0 + cos(pi * done)),  # Loshchilov and Hutter (2017)
    "exponential": lambda done, cuts: 0.01**done,
    "plateau": lambda done, cuts: 0.3**cuts,
}


class Schedule:
    """Gives the learning rate of each epoch.

    ``plateau`` listens to the fold mean, the others do not.
    """

    def __init__(self, kind: str, first: float, epochs: int) -> None:
        self._share, self._first, self._epochs = SCHEDULES[kind], first, epochs
        self._best, self._stale, self._cuts = float("-inf"), 0, 0

    def rate(self, epoch: int) -> float:
        """Return the learning rate of ``epoch``, counted from zero."""
        return self._first * self._share(epoch / self._epochs, self._cuts)

    def observe(self, score: float) -> None:
        """Hear the fold mean of an epoch, higher is better."""
        self._stale += 1
        if score > self._best:
            self._best, self._stale = score, 0
        if self._stale >= PLATEAU_EPOCHS:
            self._cuts, self._stale = self._cuts + 1, 0
