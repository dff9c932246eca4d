"""Scores of a finished model as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from bcsearch.report.columns import aligned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Scored(Protocol):
    """Scores of one class, 0 to 1; None where there was nothing to score."""

    @property
    def images(self) -> int:
        """Images of the class."""

    @property
    def precision(self) -> float | None:
        """Share of the predictions of the class that are right."""

    @property
    def recall(self) -> float | None:
        """Share of the images of the class that are predicted right."""

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall."""


def evaluation_text(
    n_images: int,
    accuracy: float,
    macro_f1: float,
    per_class: Mapping[str, Scored],
    confusion: Sequence[Sequence[int]],
) -> str:
    """Return a model's scores, class by class, and its confusion matrix, true classes in rows."""
    rows = []
    for (name, scored), counts in zip(per_class.items(), confusion, strict=True):
        shares = [_share(value) for value in (scored.precision, scored.recall, scored.f1)]
        rows.append((f"  {name}", str(scored.images), *shares, "|", *map(str, counts)))
    labels = [str(index) for index in range(len(per_class))]
    headings = ("  class", "images", "precision", "recall", "f1", "| predicted as class", *labels)
    numbers = {*range(1, len(headings))} - {5}
    table = aligned(rows, headings, right=numbers)
    return f"{n_images} images: accuracy {accuracy:.4f}, macro F1 {macro_f1:.4f}\n{table}"


def _share(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}"
