"""Nearest neighbours in the features of a backbone, block by block, so that memory stays flat."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bcsearch.check.candidates import BLOCK, standardised
from bcsearch.check.found import Found
from bcsearch.check.quality import FAR, from_median
from bcsearch.records.checked import DataFinding, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from bcsearch.check.looked import Looked

N_NEIGHBOURS = 5
MOST_OUTLIERS = 0.01  # of the images, the farthest


class Neighbours(NamedTuple):
    """The nearest of each row, the nearest first: rows and cosines, both (n, k)."""

    rows: np.ndarray
    cosines: np.ndarray


def neighbours(
    rows: np.ndarray, others: np.ndarray, k: int, tick: Callable[[], None] = lambda: None
) -> Neighbours:
    """Return the ``k`` nearest of ``others`` (m, d) to each of ``rows`` (n, d), of length 1."""
    k = min(k, len(others))
    found, cosines = [], []
    for start in range(0, len(rows), BLOCK):
        tick()
        alike = rows[start : start + BLOCK] @ others.T
        near = np.argpartition(-alike, k - 1, axis=1)[:, :k]
        values = np.take_along_axis(alike, near, axis=1)
        order = np.argsort(-values, axis=1)
        found.append(np.take_along_axis(near, order, axis=1))
        cosines.append(np.take_along_axis(values, order, axis=1))
    return Neighbours(np.concatenate(found), np.concatenate(cosines))


def outliers(looked: Looked) -> Found:
    """Find images that lie far from all others in the features of a backbone."""
    if looked.features is None:
        return Found(left_out="outliers need features of a backbone, and there is none")
    kept = np.flatnonzero(looked.kept)
    known = standardised(looked.features[kept])
    near = neighbours(known, known, N_NEIGHBOURS + 1, looked.tick)
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
