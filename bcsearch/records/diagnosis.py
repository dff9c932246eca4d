"""Where a trial goes wrong, on images that it was not trained on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bcsearch.records.evaluation import ClassScore


@dataclass(frozen=True, slots=True, kw_only=True)
class Confused:
    """Images of one class that were taken for another: how many, and what share of their class."""

    true: str
    predicted: str
    images: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One image that was predicted wrong: its row, and the probabilities of both classes."""

    row: int
    true: str
    predicted: str
    probability: float
    of_true: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What is known of a trial's predictions out of fold.

    Attributes:
        study: its name.
        trial: its number.
        n_images: how many were predicted.
        confusion: true classes in rows, predicted in columns.
        per_class: scores of each class, by its name.
        confidence: the mean probability of what was predicted, of images of each true class.
        pairs: classes that are confused, the largest share first.
        shifted: scores on shifted images, by name; nothing where they were not scored.
        weights: class weights that count half evenly, half by how often a class is missed.
        mistakes: images, what is surest and wrong first.
    """

    study: str
    trial: int
    n_images: int
    accuracy: float
    macro_f1: float
    confusion: list[list[int]]
    per_class: dict[str, ClassScore]
    confidence: dict[str, float]
    pairs: tuple[Confused, ...]
    weights: dict[str, float]
    mistakes: tuple[Mistake, ...]
    shifted: dict[str, float] = field(default_factory=dict)
