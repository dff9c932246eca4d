"""What the checks look at: images, labels and features, and what is computed of them once."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bcsearch.check.alignment import FINE, shrunk
from bcsearch.check.groups import partition, rows_by
from bcsearch.check.nearest import N_NEIGHBOURS, neighbours, standardised
from bcsearch.config.sweep import FoldSettings
from bcsearch.data.arrays import CHUNK, digests
from bcsearch.data.folds import folds_of, make_folds
from bcsearch.errors import DataError
from bcsearch.training.linear import linear_probabilities
from bcsearch.training.protocol import shifts_of
from bcsearch.training.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bcsearch.data.dataset import Dataset
    from bcsearch.data.folds import Folds
    from bcsearch.training.protocol import Evaluator
    from bcsearch.views.view import Applied

GREY = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green, blue: ITU-R BT.601
THUMBNAIL = 16  # pixels a side
FIVE_FOLDS = FoldSettings()


class Nearest(NamedTuple):
    """The nearest of each image that was not set aside, in the features of a backbone.

    Rows that were kept (n,), their standardised features (n, n_features), and the rows and cosines
    of the nearest others of each, the nearest first, both (n, k).
    """

    kept: np.ndarray
    vectors: np.ndarray
    others: np.ndarray
    cosines: np.ndarray


class Divided(NamedTuple):
    """A dataset without what was set aside, and folds of it that split no group found so far."""

    dataset: Dataset
    folds: Folds

    @property
    def task(self) -> Task:
        """What is learned in each fold."""
        return task_of(self.dataset, self.folds)


class Looked:
    """A dataset as the checks see it.

    Args:
        dataset: what is checked. Where somebody said which rows are excluded, nothing else is set
            aside.
        may_group: whether copies that are found are kept together in folds.
        features: (n_images, n_features) of a frozen backbone; None where there is none.
        seen: what baselines see of the images after a shift, (n_images, n_features). None: the
            features, or small thumbnails.
        folds: of the study.
        scores: those of the study, the one that ranks first.
        tell: hears what is done, and how far it is: done and total. It may raise to end the check.
    """

    def __init__(  # noqa: PLR0913 - what is looked at
        self,
        dataset: Dataset,
        features: np.ndarray | None,
        *,
        seen: Callable[[tuple[Applied, ...]], np.ndarray] | None = None,
        may_group: bool = True,
        folds: FoldSettings = FIVE_FOLDS,
        scores: Sequence[Evaluator] = (),
        tell: Callable[[str, int, int], None] = lambda *_: None,
    ) -> None:
        self.dataset, self.features, self.folds, self.tell = dataset, features, folds, tell
        self.scores = scores
        self._seen = seen or self._clean
        self.may_exclude = dataset.excluded is None
        self.kept = np.zeros(dataset.n_images, bool)  # what no earlier check has set aside
        self.kept[dataset.kept] = True
        self.may_group = may_group
        self.groups: list[Sequence[int]] = []  # rows that earlier checks found to belong together

    @cached_property
    def copy_of(self) -> np.ndarray:
        """For each image the first row with the very same pixels, (n_images,).

        Rows that were excluded from the start have none.
        """
        texts = digests(self.dataset.images)
        first: dict[str, int] = {}
        found = np.arange(self.dataset.n_images)
        for row in self.dataset.kept.tolist():
            found[row] = first.setdefault(texts[row], row)
        return found

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

        None without features, or where fewer than two are left.
        """
        if self.features is None:
            return None
        kept = np.flatnonzero(self.kept)
        if len(kept) < 2:
            return None
        vectors = standardised(self.features[kept])
        near = neighbours(vectors, vectors, N_NEIGHBOURS + 1)  # the first is the image itself
        return Nearest(kept, vectors, kept[near.rows[:, 1:]], near.cosines[:, 1:])

    @cached_property
    def divided(self) -> Divided | None:
        """The folds of the study, of what was not set aside at its first use.

        None where there can be no such folds.
        """
        groups = self.groups if self.may_group else ()
        return self.divide(np.flatnonzero(~self.kept), groups)

    @property
    def is_changed(self) -> bool:
        """Whether anything was set aside, or found to belong together, so far."""
        return bool(self.groups) or int(self.kept.sum()) < len(self.dataset.kept)

    def divide(
        self, excluded: Sequence[int] | np.ndarray, groups: Sequence[Sequence[int]]
    ) -> Divided | None:
        """Make the folds of the study without some rows, with found groups; None where none can be.

        Both are added to those of the dataset.
        """
        try:
            dataset = left_of(self.dataset, excluded, groups)
            return Divided(dataset, folds_of(dataset, self.folds))
        except DataError:
            return None

    @cached_property
    def views(self) -> list[np.ndarray]:
        """What baselines see, clean and after each shift of the scores, (n_images, n_features)."""
        return [self._seen(shift) for shift in shifts_of(self.scores)]

    @cached_property
    def linear(self) -> list[Sequence[np.ndarray]]:
        """What a linear head says in each fold of the study, by the view that it sees."""
        if self.divided is None:
            return []
        return linear_probabilities(self.views, self.divided.task, seed=0)

    @cached_property
    def probabilities(self) -> np.ndarray | None:
        """What a linear head says of images that it was not trained on, (n_images, n_classes).

        NaN for images that were set aside; None where there are no features or no folds. Where the
        study has a single fold, others are made that reach all images.
        """
        if self.features is None or self.divided is None:
            return None
        (dataset, folds), found = self.divided, self.linear
        if folds.n_folds == 1:
            whole = replace(dataset, valid=None)
            try:
                folds = make_folds(whole, n_folds=self.folds.n_folds)
            except DataError:
                return None
            found = linear_probabilities([self.features], task_of(whole, folds), seed=0)
        return put_together(dataset, folds, found[0])

    def _clean(self, shift: tuple[Applied, ...]) -> np.ndarray:
        """Return features, or thumbnails, of the images as they are: nobody gave those of others.

        Raises:
            ValueError: another view is asked for.
        """
        if shift:
            raise ValueError(f"nothing was given of images after {shift}")
        if self.features is None:
            return thumbnails(self.dataset.images)
        return self.features


def left_of(
    dataset: Dataset, excluded: Sequence[int] | np.ndarray, groups: Sequence[Sequence[int]]
) -> Dataset:
    """Return a dataset without some rows, its groups joined with those that were found.

    Equal groups have equal numbers, whatever the dataset called its own: folds depend on them.

    Raises:
        DataError: a class has no images left.
    """
    mask = np.zeros(dataset.n_images, bool)
    mask[np.asarray(excluded, np.int64)] = True
    if dataset.excluded is not None:
        mask |= dataset.excluded
    own = [] if dataset.groups is None else rows_by(dataset.groups)
    joined = partition([*groups, *own], dataset.n_images)
    return replace(dataset, excluded=mask, groups=joined)


def task_of(dataset: Dataset, folds: Folds) -> Task:
    """Return what is learned in each of some folds."""
    return Task(
        labels=dataset.labels,
        n_classes=dataset.n_classes,
        train_rows=[fold.train for fold in folds.folds],
        valid_rows=[fold.valid for fold in folds.folds],
    )


def put_together(dataset: Dataset, folds: Folds, probabilities: Sequence[np.ndarray]) -> np.ndarray:
    """Put what each fold says at its validation rows, NaN elsewhere, (n_images, n_classes)."""
    whole = np.full((dataset.n_images, dataset.n_classes), np.nan, np.float32)
    for fold, predicted in zip(folds.folds, probabilities, strict=True):
        whole[fold.valid] = predicted
    return whole


def thumbnails(images: np.ndarray) -> np.ndarray:
    """Return images (n, height, width, 3) as small ones in rows, (n, 768) float32."""
    parts = []
    for start in range(0, len(images), CHUNK):
        chunk = images[start : start + CHUNK]
        colours = [shrunk(chunk[..., colour], THUMBNAIL) for colour in range(3)]
        parts.append(np.stack(colours, axis=-1).reshape(len(chunk), -1))
    return np.concatenate(parts)
