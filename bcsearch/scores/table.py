"""The table of scores: from predictions on one view to a number, higher is better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.plugins import row_of
from bcsearch.scores import metrics
from bcsearch.views.view import Applied

if TYPE_CHECKING:
    from bcsearch.config import Search

Measure = Callable[[np.ndarray, np.ndarray], float]  # of labels (n,), probabilities (n, n_classes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One row.

    Attributes:
        measure: gives the number.
        doc: what it is, in one sentence.
        worst: what predictions count that are NaN.
        shift: what images go through before they are scored; nothing for clean ones.
    """

    name: str
    measure: Measure
    doc: str
    worst: float = 0.0
    shift: tuple[Applied, ...] = ()

    def __call__(self, labels: np.ndarray, probabilities: np.ndarray) -> float:
        """Score probabilities (n, n_classes) against labels (n,)."""
        if not np.isfinite(probabilities).all():
            return self.worst
        return self.measure(labels, probabilities)


def of_confusion(measure: Callable[[np.ndarray], float]) -> Measure:
    """Return a measure of labels and probabilities, given one of a confusion matrix."""

    def measured(labels: np.ndarray, probabilities: np.ndarray) -> float:
        predicted = probabilities.argmax(axis=1)
        return measure(metrics.confusion_matrix(labels, predicted, probabilities.shape[1]))

    return measured


ROWS = (
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
    Score(
        name="accuracy@jpeg30",
        measure=of_confusion(metrics.accuracy),
        doc="Accuracy on images compressed as JPEG of quality 30.",
        shift=(Applied("jpeg", (("severity", 3.0),)),),
    ),
)
SCORES = {row.name: row for row in ROWS}


def chosen_scores(search: Search) -> list[Score]:
    """Return the score that ranks, then the others on clean images, then those asked for."""
    clean = [name for name, row in SCORES.items() if not row.shift]
    names = dict.fromkeys([search.score, *clean, *search.also])
    return [row_of(SCORES, name, "bcsearch.scores", what="score") for name in names]
