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
        beta: of the effective number of images, from 0 to below 1.
    """

    counts: np.ndarray
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


def _with_mean_one(weights: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Scale weights so that their mean over images is 1; classes without images weigh nothing."""
    return np.where(counts > 0, weights * (counts.sum() / (counts @ weights)), 0.0)


CLASS_WEIGHTS: dict[str, Callable[[ClassFacts], np.ndarray]] = {
    "none": lambda facts: np.ones(len(facts.counts)),
    "balanced": _balanced,
    "effective": _effective,
}


def fold_class_weights(params: Params, task: Task) -> np.ndarray:
    """Return the weights of each fold, (n_folds, n_classes) float32, by its training rows."""
    labels = (task.labels[rows] for rows in task.train_rows)
    return np.stack([class_weights(params, fold, task.n_classes) for fold in labels])


def class_weights(params: Params, labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Return one weight a class, (n_classes,) float32, by the labels (n,) of the training rows.

    ``class_weight_strength`` is the share of its kind's weights, the rest is 1 for all classes.
    """
    counts = np.bincount(labels, minlength=n_classes)
    whole = CLASS_WEIGHTS[params.class_weights](ClassFacts(counts, params.class_weight_beta))
    strength = float(params.class_weight_strength)
    return ((1.0 - strength) + strength * whole).astype(np.float32)
