"""Finds images that are unlike all others in the features of a backbone, and how alike all are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bcsearch.check.found import Found, to_review
from bcsearch.check.quality import FAR, from_median

if TYPE_CHECKING:
    from bcsearch.check.looked import Looked

MOST_OUTLIERS = 0.01  # of the images, the farthest


class Similarity(NamedTuple):
    """How alike images are in the features of a backbone, as cosines, -1 to 1.

    ``nearest`` is of each image that was kept to its nearest, (n,); ``classes`` the mean between
    all images of two classes, (n_classes, n_classes).
    """

    nearest: np.ndarray
    classes: np.ndarray


def similarity(looked: Looked) -> Similarity | None:
    """Return how alike the images are that were not set aside; None without features."""
    near = looked.nearest
    if near is None:
        return None
    labels = looked.dataset.labels[near.kept]
    members = np.eye(looked.dataset.n_classes, dtype=np.float32)[labels]
    means = members.T @ near.vectors / np.maximum(members.sum(axis=0), 1)[:, np.newaxis]
    return Similarity(near.cosines[:, 0], means @ means.T)


def outliers(looked: Looked) -> Found:
    """Find images that lie far from all others in the features of a backbone."""
    near = looked.nearest
    if near is None:
        return Found(left_out="outliers need features of a backbone, and there is none")
    cosines = near.cosines.mean(axis=1)
    far = from_median(-cosines)
    most = max(1, int(MOST_OUTLIERS * len(near.kept)))
    worst = [place for place in np.argsort(-far)[:most] if far[place] > FAR]
    evidence = {
        int(near.kept[place]): f"the mean cosine to its {near.cosines.shape[1]} nearest is "
        f"{cosines[place]:.2f}, {far[place]:.1f} deviations below that of most"
        for place in worst
    }
    others = {int(near.kept[place]): int(near.others[place, 0]) for place in worst}
    findings = to_review("outlier", evidence)
    return Found(findings=tuple(replace(each, other=others[each.row]) for each in findings))
