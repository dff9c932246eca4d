"""Scores of a finished model on one labelled set of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bcsearch.records.likeness import Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScore:
    """Scores of one class, 0 to 1; None where there was nothing to score."""

    images: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Scores on one labelled set.

    ``confusion`` has true classes in rows, predicted in columns. ``n_trained_on`` of the images are
    among those that the model was trained on, ``unlike`` is in what they differ from these, the
    largest difference first; None where it keeps no word of these.
    """

    n_images: int
    accuracy: float
    macro_f1: float
    per_class: dict[str, ClassScore]
    confusion: list[list[int]]
    n_trained_on: int | None = None
    unlike: tuple[Difference, ...] | None = None
