"""The seam inside training: what can train all folds of a trial by one epoch. Imports types only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from bcsearch.training.fold_weights import FoldWeights

Check = Callable[[], None]  # raises to end what is going on


def nothing() -> None:
    """Let training go on."""


class FoldTrainer(Protocol):
    """Trains all folds of one trial side by side, one epoch at a time."""

    def train_epoch(self, epoch: int, learning_rate: float, check: Check = nothing) -> float:
        """Train every fold for one epoch; return the mean training loss over folds and batches.

        ``check`` is called before each part of it, and may end it by an exception.
        """

    def predict(self) -> Sequence[np.ndarray]:
        """Return for each fold the probabilities of its validation rows, (n_valid, n_classes) float32."""

    def weights(self) -> Sequence[FoldWeights]:
        """Return the weights of every fold."""

    def state(self) -> dict[str, np.ndarray]:
        """Return everything that training has changed, by name, so that ``restore`` can go on from there."""

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from a state of a trainer of the same configuration; names of others are passed over."""
