"""Describes a dataset for showing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.data.arrays import CHUNK, digests

if TYPE_CHECKING:
    from bcsearch.data.dataset import Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class DataInfo:
    """What ``bcsearch data info`` prints; channels are red, green and blue, 0 to 255."""

    source: str
    drawn: bool
    n_images: int
    height: int
    width: int
    class_names: tuple[str, ...]
    class_counts: tuple[int, ...]
    n_groups: int | None
    value_min: int
    value_max: int
    channel_means: tuple[float, ...]
    channel_stds: tuple[float, ...]
    fingerprint: str
    n_valid: int = 0  # of the data's own validation part
    n_test: int = 0  # of its test part, beside n_images
    smallest: tuple[int, int] = (0, 0)  # height and width as they came, of the fewest pixels
    largest: tuple[int, int] = (0, 0)
    notes: tuple[str, ...] = ()

    @property
    def largest_share(self) -> float:
        """The accuracy, 0 to 1, of a model that always says the most frequent class."""
        return max(self.class_counts) / sum(self.class_counts)


def describe(dataset: Dataset, findings: tuple[str, ...] = ()) -> DataInfo:
    """Return shape, classes, counts, groups, values and fingerprint of a dataset.

    ``findings`` are told beside what was noted when it was read.
    """
    n_groups = None
    if dataset.groups is not None:
        n_groups = len(np.unique(dataset.groups))
    height, width = dataset.images.shape[1:3]
    kept = dataset.kept
    n_images = len(kept)
    sums = np.zeros((2, 3))  # of values and of their squares
    for start in range(0, n_images, CHUNK):
        values = dataset.images[kept[start : start + CHUNK]].astype(np.float64)
        sums += values.sum(axis=(0, 1, 2)), (values**2).sum(axis=(0, 1, 2))
    means, squares = sums / (n_images * height * width)
    sizes = dataset.sizes
    if sizes is None:
        sizes = np.array([[height, width]])
    areas = sizes.prod(axis=1)
    smallest, largest = sizes[areas.argmin()], sizes[areas.argmax()]
    return DataInfo(
        source=dataset.source,
        drawn=dataset.drawn,
        n_images=n_images,
        height=height,
        width=width,
        class_names=dataset.class_names,
        class_counts=dataset.class_counts,
        n_groups=n_groups,
        value_min=int(dataset.images.min()),
        value_max=int(dataset.images.max()),
        channel_means=tuple(means.tolist()),
        channel_stds=tuple(np.sqrt(np.maximum(squares - means**2, 0)).tolist()),
        fingerprint=dataset.fingerprint,
        n_valid=0 if dataset.valid is None else int(dataset.valid[kept].sum()),
        n_test=0 if dataset.test is None else len(dataset.test.images),
        smallest=(int(smallest[0]), int(smallest[1])),
        largest=(int(largest[0]), int(largest[1])),
        notes=(*dataset.notes, *copies_told(dataset), *findings),
    )


def copies_told(dataset: Dataset) -> tuple[str, ...]:
    """Return a line on images with the very same pixels, none where there are none such."""
    texts = np.array(digests(dataset.images))[dataset.kept]
    _, pictures, sizes = np.unique(texts, return_inverse=True, return_counts=True)
    copies = sizes[pictures] > 1
    if not copies.any():
        return ()
    labels = dataset.labels[dataset.kept]
    pairs = np.unique(np.stack([pictures, labels])[:, copies], axis=1)
    n_mixed = int((np.bincount(pairs[0]) > 1).sum())
    line = (
        f"{int(copies.sum())} images are exact copies of one another, of "
        f"{int((sizes > 1).sum())} pictures, {n_mixed} of them with different labels"
    )
    return (f"{line}; 'bcsearch data check' says what to do",)
