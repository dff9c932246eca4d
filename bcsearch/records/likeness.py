"""How far images are from those that a model was trained on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One measure in which images are unlike those that were trained on.

    Attributes:
        measure: its name.
        word: what they are, such as ``darker``.
        mean: theirs.
        low, high: between which the mean of images like the training images lies.
        spreads: how far it lies outside, in standard deviations over training images.
    """

    measure: str
    word: str
    mean: float
    low: float
    high: float
    spreads: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlike:
    """What images are, compared with those that a model was trained on.

    Attributes:
        n_images: how many.
        differences: in which measures their means are unlike, the largest difference first.
        alone: for each image the names of the measures in which it is unlike on its own.
    """

    n_images: int
    differences: tuple[Difference, ...] = ()
    alone: tuple[tuple[str, ...], ...] = ()
