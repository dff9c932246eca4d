"""How the training of a finished model ends, and why."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import mean, stdev
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What is made of the epochs of a training.

    Attributes:
        averaged: the last epochs whose weights are averaged; 1 takes the last weights.
        tta: operations; probabilities are the mean over the image and what each makes of it.
        temperature: that logits are divided by; 1 leaves them as they are.
    """

    averaged: int = 1
    tta: Sequence[str] = ()
    temperature: float = 1.0


LAST_WEIGHTS = Ending()


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The temperature of a model, and its expected calibration error out of fold, 0 to 1.

    ``temperature`` is 1 where none makes the log loss better; ``before`` is the error at 1,
    ``after`` that of each fold at the temperature of the others.
    """

    temperature: float
    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """How much a score changes by something, on images that were not trained on.

    Attributes:
        name: of what was tried.
        mean: of the changes of the score over folds, or parts of one fold; above 0 is better.
        noise: their standard deviation.
    """

    name: str
    mean: float
    noise: float

    @classmethod
    def of(cls, name: str, changes: Sequence[float]) -> Self:
        """Return the gain of some changes of a score; of a single one the noise is not known: 0."""
        noise = stdev(changes) if len(changes) > 1 else 0.0
        return cls(name=name, mean=mean(changes), noise=noise)

    @property
    def wins(self) -> bool:
        """Whether it is better by more than the noise."""
        return self.mean > self.noise
