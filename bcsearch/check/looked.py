"""What the checks look at: images, labels and features, and what is computed of them once."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bcsearch.check.alignment import FINE, shrunk
from bcsearch.check.groups import partition, rows_by
from bcsearch.check.linear import out_of_fold
from bcsearch.check.nearest import N_NEIGHBOURS, neighbours, standardised
from bcsearch.data.arrays import CHUNK, digests
from bcsearch.data.folds import make_folds
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bcsearch.data.dataset import Dataset
    from bcsearch.data.folds import Folds

GREY = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green, blue: ITU-R BT.601


class Nearest(NamedTuple):
    """The nearest of each image that was not set aside, in the features of a backbone.

    Rows that were kept (n,), their standardised features (n, n_features), and the rows and cosines
    of the nearest others of each, the nearest first, both (n, k).
    """

    kept: np.ndarray
    vectors: np.ndarray
    others: np.ndarray
    cosines: np.ndarray


class Looked:
    """A dataset as the checks see it.

    Args:
        dataset: what is checked.
        features: (n_images, n_features) of a frozen backbone; None where there is none.
        n_folds: of the study.
        tell: hears what is done, and how far it is: done and total. It may raise to end the check.
    """

    def __init__(
        self,
        dataset: Dataset,
        features: np.ndarray | None,
        *,
        n_folds: int = 5,
        tell: Callable[[str, int, int], None] = lambda *_: None,
    ) -> None:
        self.dataset, self.features, self.n_folds, self.tell = dataset, features, n_folds, tell
        self.kept = np.ones(dataset.n_images, bool)  # what no earlier check has set aside
        self.groups: list[Sequence[int]] = []  # rows that earlier checks found to belong together
        if dataset.groups is not None:
            self.groups += rows_by(dataset.groups)

    @cached_property
    def copy_of(self) -> np.ndarray:
        """For each image the first row with the very same pixels, (n_images,)."""
        texts = digests(self.dataset.images)
        first: dict[str, int] = {}
        return np.array([first.setdefault(text, row) for row, text in enumerate(texts)])

    @cached_property
    def grey(self) -> np.ndarray:
        """The images in grey, (n_images, 96, 96), uint8."""
        parts = []
        for start in range(0, self.dataset.n_images, CHUNK):
            chunk = self.dataset.images[start : start + CHUNK].astype(np.float32) @ GREY
            parts.append(np.rint(shrunk(chunk, FINE)).astype(np.uint8))
        return np.concatenate(parts)

    @cached_property
    def nearest(self) -> Nearest | None:
        """The nearest of the images that were not set aside at its first use.

        None without features.
        """
        if self.features is None:
            return None
        kept = np.flatnonzero(self.kept)
        vectors = standardised(self.features[kept])
        near = neighbours(vectors, vectors, N_NEIGHBOURS + 1)  # the first is the image itself
        return Nearest(kept, vectors, kept[near.rows[:, 1:]], near.cosines[:, 1:])

    @cached_property
    def checked(self) -> tuple[Dataset, Folds] | None:
        """The dataset without what was set aside, and folds that split no group found so far.

        As they are at its first use; None where there can be no such folds.
        """
        groups = partition(self.groups, self.dataset.n_images)
        try:
            dataset = replace(self.dataset, groups=groups, excluded=~self.kept, valid=None)
            return dataset, make_folds(dataset, n_folds=self.n_folds)
        except DataError:
            return None

    @cached_property
    def probabilities(self) -> np.ndarray | None:
        """What a linear head says of images that it was not trained on, (n_images, n_classes).

        NaN for images that were set aside; None where there are no features or no folds.
        """
        checked = self.checked
        if self.features is None or checked is None:
            return None
        dataset, folds = checked
        return out_of_fold(self.features, dataset.labels, folds, dataset.n_classes)
