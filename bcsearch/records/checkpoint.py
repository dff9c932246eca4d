"""Where an interrupted training goes on, and the seam through which it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from bcsearch.records.scores import EpochScores


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checkpoint:
    """All that a training needs to go on after the last of ``epochs``.

    ``seconds`` were trained so far.

    ``arrays`` holds weights, optimizer state and the probabilities of the best epoch, by names of
    training's own.
    """

    epochs: tuple[EpochScores, ...]
    seconds: float
    arrays: Mapping[str, np.ndarray]


class Checkpoints(Protocol):
    """Keeps the checkpoints of one trial."""

    def load(self) -> Checkpoint | None:
        """Return the last one; None where the trial begins."""

    def offer(self, make: Callable[[], Checkpoint]) -> None:
        """Hear after an epoch that a checkpoint can be made; make and keep it if it is time."""


class NoCheckpoints:
    """Keeps none: for trainings that nobody would take up again."""

    def load(self) -> Checkpoint | None:
        """Begin."""
        return None

    def offer(self, make: Callable[[], Checkpoint]) -> None:
        """Let it pass."""
