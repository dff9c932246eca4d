"""Scores a finished model on labelled images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bcsearch.errors import DataError
from bcsearch.records.evaluation import ClassScore, Evaluation
from bcsearch.scores.metrics import accuracy, confusion_matrix, macro_f1

if TYPE_CHECKING:
    from bcsearch.data import ImageSet
    from bcsearch.export.bundle import Bundle


def evaluate(bundle: Bundle, images: ImageSet) -> Evaluation:
    """Score a model.

    Raises:
        DataError: the images have no labels, or labels that the model does not know.
    """
    labels = _known_labels(images, bundle.class_names)
    predicted = bundle.predict(images.images).argmax(axis=1)
    return score_predictions(labels, predicted, bundle.class_names)


def score_predictions(
    labels: np.ndarray, predicted: np.ndarray, class_names: tuple[str, ...]
) -> Evaluation:
    """Score predicted classes (n,) against labels (n,)."""
    confusion = confusion_matrix(labels, predicted, len(class_names))
    return Evaluation(
        n_images=len(labels),
        accuracy=accuracy(confusion),
        macro_f1=macro_f1(confusion),
        per_class={name: _class_score(confusion, index) for index, name in enumerate(class_names)},
        confusion=confusion.tolist(),
    )


def _class_score(confusion: np.ndarray, index: int) -> ClassScore:
    right = confusion[index, index]
    images, predicted = confusion[index].sum(), confusion[:, index].sum()
    return ClassScore(
        images=int(images),
        precision=_share(right, predicted),
        recall=_share(right, images),
        f1=_share(2 * right, images + predicted),
    )


def _share(part: np.integer, whole: np.integer) -> float | None:
    if whole == 0:
        return None
    return float(part / whole)


def _known_labels(images: ImageSet, class_names: tuple[str, ...]) -> np.ndarray:
    """Return labels in the order of the model's classes."""
    if images.labels is None:
        raise DataError(
            "the images have no labels to score against; "
            "use 'bcsearch predict', or give labelled images"
        )
    if images.class_names is None:
        highest = int(images.labels.max())
        if highest >= len(class_names):
            raise DataError(
                f"label {highest} is unknown to the model; allowed: 0 to {len(class_names) - 1}"
            )
        return images.labels
    for name in sorted(images.class_names):
        if name not in class_names:
            raise DataError(
                f"class {name!r} is unknown to the model; allowed: {', '.join(class_names)}"
            )
    order = np.array([class_names.index(name) for name in images.class_names])
    renumbered: np.ndarray = order[images.labels]
    return renumbered
