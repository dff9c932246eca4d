"""Scores of a finished model in lines. Takes numbers only, imports nothing of the floors above."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Scored(Protocol):
    """Scores of one class."""

    @property
    def images(self) -> int:
        """Images of the class."""

    @property
    def precision(self) -> float | None:
        """0 to 1."""

    @property
    def recall(self) -> float | None:
        """0 to 1."""

    @property
    def f1(self) -> float | None:
        """0 to 1."""


def evaluation_text(
    n_images: int,
    accuracy: float,
    macro_f1: float,
    per_class: Mapping[str, Scored],
    confusion: list[list[int]],
) -> str:
    """Return a model's scores, class by class, and its confusion matrix with true classes in rows."""
    width = max(len(name) for name in per_class)
    lines = [
        f"{n_images} images: accuracy {accuracy:.4f}, macro F1 {macro_f1:.4f}",
        f"  {'class':<{width}}  images  precision  recall      f1  | predicted as class 0, 1, ...",
    ]
    for (name, scored), counts in zip(per_class.items(), confusion, strict=True):
        shares = (
            f"{_share(scored.precision):>9}  {_share(scored.recall):>6}  {_share(scored.f1):>6}"
        )
        lines.append(
            f"  {name:<{width}}  {scored.images:>6}  {shares}  | {' '.join(f'{count:>4}' for count in counts)}"
        )
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
