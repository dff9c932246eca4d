"""Learning rates, one an epoch. Imports the records floor only.

Cosine follows Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017), without restarts.
"""

from __future__ import annotations

from math import cos, pi

EXPONENTIAL_END = 0.01  # the share of the first rate that is left after the last epoch
PLATEAU_EPOCHS = 3  # epochs without a better fold mean before the rate is cut
PLATEAU_FACTOR = 0.3


class Schedule:
    """Yields the learning rate of each epoch; ``plateau`` listens to the fold mean, the others do not."""

    def __init__(self, kind: str, first: float, epochs: int) -> None:
        self._kind, self._first, self._epochs = kind, first, epochs
        self._best, self._stale, self._cuts = float("-inf"), 0, 0

    def rate(self, epoch: int) -> float:
        """Return the learning rate of ``epoch``, counted from zero."""
        done = epoch / self._epochs
        shares: dict[str, float] = {
            "constant": 1.0,
            "cosine": 0.5 * (1.0 + cos(pi * done)),
            "exponential": EXPONENTIAL_END**done,
            "plateau": PLATEAU_FACTOR**self._cuts,
        }
        return self._first * shares[self._kind]

    def observe(self, score: float) -> None:
        """Hear the fold mean of an epoch, higher is better."""
        self._stale = 0 if score > self._best else self._stale + 1
        self._best = max(self._best, score)
        if self._stale >= PLATEAU_EPOCHS:
            self._cuts, self._stale = self._cuts + 1, 0
