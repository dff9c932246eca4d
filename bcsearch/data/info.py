"""Describes a dataset for showing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.data.arrays import CHUNK

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


def describe(dataset: Dataset) -> DataInfo:
    """Return shape, classes, counts, groups, values and fingerprint of a dataset."""
    n_groups = None
    if dataset.groups is not None:
        n_groups = len(np.unique(dataset.groups))
    n_images, height, width, _ = dataset.images.shape
    sums = np.zeros((2, 3))  # of values and of their squares
    for start in range(0, n_images, CHUNK):
        values = dataset.images[start : start + CHUNK].astype(np.float64)
        sums += values.sum(axis=(0, 1, 2)), (values**2).sum(axis=(0, 1, 2))
    means, squares = sums / (n_images * height * width)
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
    )
