"""The table of learning-rate schedules: which share of the full rate each epoch has."""

from __future__ import annotations

from math import cos, pi
from typing import TYPE_CHECKING

from bcsearch.training.batches import SAMPLINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from bcsearch.recipe import Params

PLATEAU_EPOCHS = 3  # epochs without a better fold mean before the rate is cut
RISE, RISES_FROM = 0.3, 0.04  # of one cycle: the share of its epochs, and of the rate it starts at


def _one_cycle(done: float, cuts: int) -> float:
    """Rise, then fall to zero, both as a cosine does. After Smith and Topin (2019)."""
    if done < RISE:
        return RISES_FROM + (1.0 - RISES_FROM) * _falling(1.0 - done / RISE)
    return _falling((done - RISE) / (1.0 - RISE))


def _falling(done: float) -> float:
    """Fall from 1 to 0 as a cosine does. After Loshchilov and Hutter (2017)."""
    return 0.5 * (1.0 + cos(pi * done))


# from the share of the epochs that are done, 0 to 1, and the number of cuts, to the share of the
# full rate
SCHEDULES: dict[str, Callable[[float, int], float]] = {
    "constant": lambda done, cuts: 1.0,
    "cosine": lambda done, cuts: _falling(done),
    "exponential": lambda done, cuts: 0.01**done,
    "plateau": lambda done, cuts: 0.3**cuts,
    "one_cycle": _one_cycle,
    "step": lambda done, cuts: 0.1 ** ((done >= 0.5) + (done >= 0.75)),
}


class Schedule:
    """Gives the learning rate of each epoch.

    It rises evenly for ``warmup_epochs``; the schedule takes the others, and begins anew where
    ``sampling`` has a second stage, which a rate that has fallen would leave without effect.
    ``plateau`` listens to the fold mean, the others do not.
    """

    def __init__(self, params: Params, epochs: int) -> None:
        self._share, self._full = SCHEDULES[params.schedule], params.learning_rate
        self._warmup, self._epochs = params.warmup_epochs, epochs
        self._second_stage = SAMPLINGS[params.sampling](epochs) or None
        self._best, self._stale, self._cuts = float("-inf"), 0, 0

    def rate(self, epoch: int) -> float:
        """Return the learning rate of ``epoch``, counted from zero."""
        if epoch < self._warmup:
            return float(self._full * (epoch + 1) / (self._warmup + 1))
        begins, ends = self._warmup, self._second_stage or self._epochs
        if self._second_stage is not None and epoch >= self._second_stage:
            begins, ends = self._second_stage, self._epochs
        done = (epoch - begins) / max(1, ends - begins)
        return float(self._full * self._share(done, self._cuts))

    def observe(self, score: float) -> None:
        """Hear the fold mean of an epoch, higher is better."""
        self._stale += 1
        if score > self._best:
            self._best, self._stale = score, 0
        if self._stale >= PLATEAU_EPOCHS:
            self._cuts, self._stale = self._cuts + 1, 0
