"""Nearest neighbours in the features of a backbone, block by block, so that memory stays flat."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bcsearch.check.candidates import BLOCK, standardised
from bcsearch.check.found import Found
from bcsearch.check.quality import FAR, from_median
from bcsearch.records.checked import DataFinding, Verdict

if TYPE_CHECKING:
    from bcsearch.check.looked import Looked

N_NEIGHBOURS = 5
MOST_OUTLIERS = 0.01  # of the images, the farthest


class Neighbours(NamedTuple):
    """The nearest of each row, the nearest first: rows and cosines, both (n, k)."""

    rows: np.ndarray
    cosines: np.ndarray


def neighbours(rows: np.ndarray, others: np.ndarray, k: int) -> Neighbours:
    """Return the ``k`` nearest of ``others`` (m, d) to each of ``rows`` (n, d), of length 1."""
    k = min(k, len(others))
    found, cosines = [], []
    for start in range(0, len(rows), BLOCK):
        alike = rows[start : start + BLOCK] @ others.T
        near = np.argpartition(-alike, k - 1, axis=1)[:, :k]
        values = np.take_along_axis(alike, near, axis=1)
        order = np.argsort(-values, axis=1)
        found.append(np.take_along_axis(near, order, axis=1))
        cosines.append(np.take_along_axis(values, order, axis=1))
    return Neighbours(np.concatenate(found), np.concatenate(cosines))


class Similarity(NamedTuple):
    """How alike images are in the features of a backbone, as cosines, -1 to 1.

    ``nearest`` is of each image that was kept to its nearest, (n,); ``classes`` the mean between
    all images of two classes, (n_classes, n_classes).
    """

    nearest: np.ndarray
    classes: np.ndarray


def similarity(looked: Looked) -> Similarity | None:
    """Return how alike the images are that were not set aside; None without features."""
    if looked.features is None:
        return None
    kept = np.flatnonzero(looked.kept)
    known = standardised(looked.features[kept])
    near = neighbours(known, known, 2)
    labels = looked.dataset.labels[kept]
    members = np.eye(looked.dataset.n_classes, dtype=np.float32)[labels]
    means = members.T @ known / np.maximum(members.sum(axis=0), 1)[:, np.newaxis]
    return Similarity(near.cosines[:, 1], means @ means.T)


def outliers(looked: Looked) -> Found:
    """Find images that lie far from all others in the features of a backbone."""
    if looked.features is None:
        return Found(left_out="outliers need features of a backbone, and there is none")
    kept = np.flatnonzero(looked.kept)
    known = standardised(looked.features[kept])
    near = neighbours(known, known, N_NEIGHBOURS + 1)
    cosines = near.cosines[:, 1:].mean(axis=1)
    far = from_median(-cosines)
    most = max(1, int(MOST_OUTLIERS * len(kept)))
    worst = [place for place in np.argsort(-far)[:most] if far[place] > FAR]
    return Found(
        findings=tuple(
            DataFinding(
                row=int(kept[place]),
                reason="outlier",
                evidence=f"the mean cosine to its {N_NEIGHBOURS} nearest is {cosines[place]:.2f}, "
                f"{far[place]:.1f} deviations below that of most",
                verdict=Verdict.REVIEW,
                other=int(kept[near.rows[place, 1]]),
            )
            for place in worst
        )
    )
