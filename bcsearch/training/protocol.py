"""The seams of training: what trains all folds by one epoch, and what scores their predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np

    from bcsearch.training.fold_weights import FoldWeights
    from bcsearch.views.view import Applied

Check = Callable[[], None]  # raises to end what is going on


def nothing() -> None:
    """Let training go on."""


class Shown(NamedTuple):
    """What an epoch trains on.

    Attributes:
        views: activations (n_images, ...), of which image i in its turn t shows number (i + t)
            modulo their number.
        targets: soft labels, (n_images, n_classes) float32.
    """

    views: Sequence[np.ndarray]
    targets: np.ndarray


Fresh = Callable[[int, Check], Shown]  # what an epoch trains on, in one view; calls the check


class FoldTrainer(Protocol):
    """Trains all folds of one trial side by side, one epoch at a time."""

    def train_epoch(self, epoch: int, learning_rate: float, check: Check = nothing) -> float:
        """Train every fold for one epoch; return the mean training loss over folds and batches.

        ``check`` is called before each part of it, and may end it by an exception.
        """

    def predict(self, shift: int = 0) -> Sequence[np.ndarray]:
        """Return each fold's probabilities of its validation rows, (n_valid, n_classes) float32.

        0 means clean images, 1 and up the shifted ones in the order in which training was given
        them.
        """

    def weights(self) -> Sequence[FoldWeights]:
        """Return the weights of every fold."""

    def state(self) -> dict[str, np.ndarray]:
        """Return everything that training has changed, by name, for ``restore``."""

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from a state of a trainer of the same configuration.

        Names of others are passed over.
        """


def shifts_of(evaluators: Sequence[Evaluator]) -> list[tuple[Applied, ...]]:
    """Return what images go through before they are scored, in the order of ``predict``.

    Clean images, with nothing, are the first.
    """
    return list(dict.fromkeys([(), *(shift for each in evaluators for shift in each.shifts)]))


class Evaluator(Protocol):
    """One score: from predictions on some views to a number, higher is better."""

    @property
    def name(self) -> str:
        """The name by which it is shown and chosen."""

    @property
    def shifts(self) -> tuple[tuple[Applied, ...], ...]:
        """What images go through before they are scored, of each view; nothing for clean ones."""

    def __call__(
        self, labels: np.ndarray, predictions: Sequence[np.ndarray], rows: np.ndarray
    ) -> float:
        """Score probabilities (n, n_classes) in each of its views against labels (n,).

        ``rows`` (n,) are the places of the images in their set.
        """
