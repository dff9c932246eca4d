"""Describes a dataset for showing. Imports numpy and this floor's records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.data.arrays import CHUNK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bcsearch.data.dataset import Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class DataInfo:
    """What ``bcsearch data info`` prints. Means and deviations are of pixel values within 0..255, red, green, blue."""

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
    levels = np.arange(256)
    shares = _histograms(dataset.images)
    present = np.flatnonzero(shares.sum(axis=0))
    means = shares @ levels
    stds = np.sqrt(np.maximum(shares @ levels**2 - means**2, 0))
    return DataInfo(
        source=dataset.source,
        drawn=dataset.drawn,
        n_images=dataset.n_images,
        height=dataset.images.shape[1],
        width=dataset.images.shape[2],
        class_names=dataset.class_names,
        class_counts=dataset.class_counts,
        n_groups=None if dataset.groups is None else len(np.unique(dataset.groups)),
        value_min=int(present[0]),
        value_max=int(present[-1]),
        channel_means=tuple(means.tolist()),
        channel_stds=tuple(stds.tolist()),
        fingerprint=dataset.fingerprint,
    )


def _histograms(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the share of every pixel value in every channel, shape (3, 256)."""
    counts = np.zeros((3, 256), np.float64)
    for start in range(0, len(images), CHUNK):
        for channel in range(3):
            counts[channel] += np.bincount(
                images[start : start + CHUNK, ..., channel].ravel(), minlength=256
            )
    totals: NDArray[np.float64] = counts.sum(axis=1, keepdims=True)
    return counts / totals
