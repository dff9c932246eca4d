"""The table of scores: from predictions on some views to a number, higher is better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.plugins import row_of
from bcsearch.scores import metrics
from bcsearch.views.mixed import FAMILIES, families_of, mixed_shift
from bcsearch.views.view import Applied

if TYPE_CHECKING:
    from bcsearch.config import Search

Measure = Callable[[np.ndarray, np.ndarray], float]  # of labels (n,), probabilities (n, n_classes)
CLEAN: tuple[tuple[Applied, ...], ...] = ((),)
WORST = "worst"
MIXED = (mixed_shift(1), mixed_shift(2))  # two draws of a corruption for each image


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One row.

    Attributes:
        measure: gives the number.
        doc: what it is, in one sentence.
        worst: what predictions count that are NaN.
        shifts: what images go through before they are scored, of each view that is; clean ones
            through nothing.
        family: of mixed shifts, which images count: of one family of ``FAMILIES``, or ``worst`` for
            those of the family that scores least; all where it is empty.
    """

    name: str
    measure: Measure
    doc: str
    worst: float = 0.0
    shifts: tuple[tuple[Applied, ...], ...] = CLEAN
    family: str = ""

    def __call__(
        self, labels: np.ndarray, predictions: Sequence[np.ndarray], rows: np.ndarray
    ) -> float:
        """Score probabilities (n, n_classes) in each of the views against labels (n,).

        ``rows`` (n,) are the places of the images in their set.
        """
        if not all(np.isfinite(each).all() for each in predictions):
            return self.worst
        if len(predictions) > 1:
            labels = np.concatenate([labels] * len(predictions))
        probabilities = np.concatenate(predictions)
        if not self.family:
            return self.measure(labels, probabilities)
        families = np.concatenate([families_of(shift, rows) for shift in self.shifts])
        wanted = FAMILIES if self.family == WORST else (self.family,)
        chosen = [families == FAMILIES.index(family) for family in wanted]
        found = [self.measure(labels[each], probabilities[each]) for each in chosen if each.any()]
        return min(found, default=self.worst)


def of_confusion(measure: Callable[[np.ndarray], float]) -> Measure:
    """Return a measure of labels and probabilities, given one of a confusion matrix."""

    def measured(labels: np.ndarray, probabilities: np.ndarray) -> float:
        predicted = probabilities.argmax(axis=1)
        return measure(metrics.confusion_matrix(labels, predicted, probabilities.shape[1]))

    return measured


CLEAN_ROWS = (
    Score(
        name="accuracy",
        measure=of_confusion(metrics.accuracy),
        doc="Share of images predicted right.",
    ),
    Score(
        name="balanced_accuracy",
        measure=of_confusion(metrics.balanced_accuracy),
        doc="Mean over classes of the share of their images predicted right.",
    ),
    Score(
        name="macro_f1",
        measure=of_confusion(metrics.macro_f1),
        doc="Mean over classes of F1, the harmonic mean of precision and recall.",
    ),
    Score(
        name="log_loss",
        measure=metrics.negative_log_loss,
        doc="Negative log loss: the mean logarithm of the probability of the right class.",
        worst=float(np.log(1e-7)),
    ),
)
SHIFTED = {  # by what stands behind @: the family, and what is said of it
    "shift": ("", "images of two draws from all families of corruptions"),
    WORST: (WORST, "images of that family of corruptions on which it is lowest"),
    **{
        family.replace(" ", "_"): (family, f"images changed by the family {family} of corruptions")
        for family in FAMILIES
    },
}


def under_shift(row: Score, name: str) -> Score:
    """Return a score of clean images as one of images under a shift of ``SHIFTED``."""
    family, what = SHIFTED[name]
    doc = f"{row.doc.rstrip('.')}: of {what}."
    return replace(row, name=f"{row.name}@{name}", doc=doc, shifts=MIXED, family=family)


JPEG = replace(
    CLEAN_ROWS[0],
    name="accuracy@jpeg30",
    doc="Accuracy on images compressed as JPEG of quality 30.",
    shifts=((Applied("jpeg", (("severity", 3.0),)),),),
)
ROWS = (*CLEAN_ROWS, *(under_shift(row, name) for row in CLEAN_ROWS for name in SHIFTED), JPEG)
SCORES = {row.name: row for row in ROWS}


def chosen_scores(search: Search) -> list[Score]:
    """Return the score that ranks, then the others on clean images, then those asked for."""
    clean = [row.name for row in CLEAN_ROWS]
    names = dict.fromkeys([search.score, *clean, *search.also])
    return [row_of(SCORES, name, "bcsearch.scores", what="score") for name in names]


def with_companions(score: Score) -> list[Score]:
    """Return a score, then what it is of clean images and of shifted ones, where that is known."""
    clean = score.name.partition("@")[0]
    others = [SCORES[name] for name in (clean, f"{clean}@shift") if name in SCORES]
    return list({each.name: each for each in (score, *others)}.values())
