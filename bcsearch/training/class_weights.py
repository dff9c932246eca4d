"""The table of class weights: how much each class counts in the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from bcsearch.recipe import Params
    from bcsearch.training.task import Task


class ClassFacts(NamedTuple):
    """What the weights of a fold's classes follow from.

    Attributes:
        counts: training images of each class, (n_classes,).
        errors: share of them that a linear head misses, (n_classes,); 0 where it is not asked.
        beta: of the effective number of images, from 0 to below 1.
    """

    counts: np.ndarray
    errors: np.ndarray
    beta: float


def _balanced(facts: ClassFacts) -> np.ndarray:
    """Let all classes count alike: n_images / (n_classes * images of the class)."""
    counts = facts.counts
    weights = counts.sum() / (len(counts) * np.maximum(counts, 1))
    return np.where(counts > 0, weights, 0.0)


def _effective(facts: ClassFacts) -> np.ndarray:
    """Let a class count by its effective number of images, (1 - beta^n) / (1 - beta).

    After Cui and others, "Class-Balanced Loss Based on Effective Number of Samples" (2019).
    """
    effective = 1.0 - facts.beta ** np.maximum(facts.counts, 1)
    return _with_mean_one(1.0 / effective, facts.counts)


def _confusion(facts: ClassFacts) -> np.ndarray:
    """Give one half of the weight evenly, the other in proportion to the errors of the classes."""
    if not facts.errors.any():
        return np.ones(len(facts.counts))
    return 0.5 + 0.5 * _with_mean_one(facts.errors, facts.counts)


def _with_mean_one(weights: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Scale weights so that their mean over images is 1; classes without images weigh nothing."""
    return np.where(counts > 0, weights * (counts.sum() / (counts @ weights)), 0.0)


CLASS_WEIGHTS: dict[str, Callable[[ClassFacts], np.ndarray]] = {
    "none": lambda facts: np.ones(len(facts.counts)),
    "balanced": _balanced,
    "effective": _effective,
    "confusion": _confusion,
}
FROM_ERRORS = frozenset({"confusion"})  # kinds for which a linear head is asked


def fold_class_weights(params: Params, task: Task) -> np.ndarray:
    """Return the weights of each fold, (n_folds, n_classes) float32, by its training rows."""
    errors = task.class_errors
    if errors is None:
        errors = np.zeros((len(task.train_rows), task.n_classes))
    labels = (task.labels[rows] for rows in task.train_rows)
    folds = zip(labels, errors, strict=True)
    return np.stack([class_weights(params, *fold) for fold in folds])


def class_weights(params: Params, labels: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Return one weight a class, (n_classes,) float32, by the labels (n,) of the training rows.

    ``errors`` are the shares of each class, (n_classes,), that a linear head misses.
    ``class_weight_strength`` is the share of its kind's weights, the rest is 1 for all classes.
    """
    counts = np.bincount(labels, minlength=len(errors))
    facts = ClassFacts(counts, errors, params.class_weight_beta)
    whole = CLASS_WEIGHTS[params.class_weights](facts)
    strength = float(params.class_weight_strength)
    return ((1.0 - strength) + strength * whole).astype(np.float32)
