"""Looks where a trial goes wrong, by its predictions out of fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.export.evaluate import score_predictions
from bcsearch.records.diagnosis import Confused, Diagnosis, Mistake
from bcsearch.scores.table import MIXED, SCORES, SHIFTED
from bcsearch.training.class_weights import CLASS_WEIGHTS, ClassFacts

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_MISTAKES = 200  # that are told one by one
MOST_PAIRS = 10  # of classes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predicted:
    """What a trial predicted of images that it was not trained on.

    Attributes:
        labels: of all images, (n_images,).
        class_names: of all classes, in the order of their numbers.
        clean: probabilities, (n_images, n_classes); NaN where never predicted.
        shifted: of images after each mixed shift, by the same form; nothing where not kept.
    """

    labels: np.ndarray
    class_names: Sequence[str]
    clean: np.ndarray
    shifted: Sequence[np.ndarray] = ()


def diagnose(study: str, trial: int, predicted: Predicted) -> Diagnosis:
    """Return what is known of a trial's mistakes."""
    rows = np.flatnonzero(np.isfinite(predicted.clean).all(axis=1))
    labels, shares = predicted.labels[rows], predicted.clean[rows].astype(np.float64)
    names = tuple(predicted.class_names)
    likeliest = shares.argmax(axis=1)
    scores = score_predictions(labels, likeliest, names)
    confusion = np.array(scores.confusion)
    counts = np.maximum(confusion.sum(axis=1), 1)
    missed = (confusion.sum(axis=1) - np.diag(confusion)) / counts
    weights = CLASS_WEIGHTS["confusion"](ClassFacts(confusion.sum(axis=1), missed, 0.0))
    sure = shares.max(axis=1)
    return Diagnosis(
        study=study,
        trial=trial,
        n_images=len(rows),
        accuracy=scores.accuracy,
        macro_f1=scores.macro_f1,
        confusion=scores.confusion,
        per_class=scores.per_class,
        confidence={
            name: float(sure[labels == number].mean())
            for number, name in enumerate(names)
            if (labels == number).any()
        },
        pairs=_pairs(confusion, names),
        weights=dict(zip(names, map(float, weights), strict=True)),
        mistakes=_mistakes(rows, labels, shares, names),
        shifted=_by_shift(predicted),
    )


def _pairs(confusion: np.ndarray, names: Sequence[str]) -> tuple[Confused, ...]:
    counts = np.maximum(confusion.sum(axis=1), 1)
    found = [
        Confused(
            true=names[true],
            predicted=names[other],
            images=int(confusion[true, other]),
            share=float(confusion[true, other] / counts[true]),
        )
        for true in range(len(names))
        for other in range(len(names))
        if true != other and confusion[true, other]
    ]
    return tuple(sorted(found, key=lambda each: (-each.share, -each.images))[:MOST_PAIRS])


def _mistakes(
    rows: np.ndarray, labels: np.ndarray, shares: np.ndarray, names: Sequence[str]
) -> tuple[Mistake, ...]:
    likeliest = shares.argmax(axis=1)
    wrong = np.flatnonzero(likeliest != labels)
    by_surety = wrong[np.argsort(-shares[wrong, likeliest[wrong]], kind="stable")]
    return tuple(
        Mistake(
            row=int(rows[place]),
            true=names[labels[place]],
            predicted=names[likeliest[place]],
            probability=float(shares[place, likeliest[place]]),
            of_true=float(shares[place, labels[place]]),
        )
        for place in by_surety[:MOST_MISTAKES]
    )


def _by_shift(predicted: Predicted) -> dict[str, float]:
    """Return the accuracy under every shift, over all images that were predicted under it."""
    if len(predicted.shifted) != len(MIXED):
        return {}
    rows = np.flatnonzero(np.isfinite(predicted.shifted[0]).all(axis=1))
    views = [view[rows] for view in predicted.shifted]
    found = {}
    for name in SHIFTED:
        score = SCORES[f"accuracy@{name}"]
        found[score.name] = score(predicted.labels[rows], views, rows)
    return found
