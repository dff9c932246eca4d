"""The trainer of a trial in stages: each goes on from what the one before has learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bcsearch.training.protocol import Check, nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bcsearch.training.fold_weights import FoldWeights
    from bcsearch.training.protocol import FoldTrainer
    from bcsearch.training.stages import Stage

STAGE = "stage"  # its name in a state


class StagedTrainer:
    """Trains all folds through the stages; see ``FoldTrainer``."""

    def __init__(
        self,
        stages: Sequence[Stage],
        build: Callable[[Stage, Sequence[FoldWeights] | None], FoldTrainer],
        sampling_begins: int = 0,
    ) -> None:
        """Take stages, and what makes a trainer of one from the weights so far.

        ``sampling_begins`` is the first epoch of the last way of sampling.
        """
        self._stages, self._build = stages, build
        self.last_begins = max(stages[-1].first_epoch, sampling_begins)
        self._stage = 0
        self._now = build(stages[0], None)

    def train_epoch(self, epoch: int, learning_rate: float, check: Check = nothing) -> float:
        """Train every fold for one epoch; begin the next stage first if it is its time."""
        while (
            self._stage + 1 < len(self._stages)
            and self._stages[self._stage + 1].first_epoch <= epoch
        ):
            self._stage += 1
            self._now = self._build(self._stages[self._stage], self._now.weights())
        return self._now.train_epoch(epoch, learning_rate, check)

    def predict(self, shift: int = 0) -> Sequence[np.ndarray]:
        """Return for each fold the probabilities of its validation rows."""
        return self._now.predict(shift)

    def weights(self) -> Sequence[FoldWeights]:
        """Return the weights of every fold."""
        return self._now.weights()

    def state(self) -> dict[str, np.ndarray]:
        """Return the stage and what it has learned."""
        return {STAGE: np.array(self._stage), **self._now.state()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from a state, in its stage."""
        self._stage = int(state[STAGE])
        self._now = self._build(self._stages[self._stage], None)
        self._now.restore(state)
