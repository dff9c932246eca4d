"""Whether a refitted model does what its folds do."""

from __future__ import annotations

from dataclasses import dataclass

MARGIN = 0.01  # below its lowest fold that a refit may be


@dataclass(frozen=True, slots=True, kw_only=True)
class RefitCheck:
    """Accuracies, 0 to 1, on freshly changed copies of images that all were trained on.

    Attributes:
        n_images: how many copies.
        refit: that of the model trained on all images.
        folds: those of the networks trained on folds, each on copies of its own training images.
    """

    n_images: int
    refit: float
    folds: tuple[float, ...]

    @property
    def passes(self) -> bool:
        """Whether the refit is no more than a point below the lowest fold."""
        return self.refit >= min(self.folds) - MARGIN
