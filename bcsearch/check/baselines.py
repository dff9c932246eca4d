"""What a classifier scores that costs no training worth the name, and what copies add to it."""

from __future__ import annotations

from dataclasses import replace
from statistics import mean, stdev
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.check.found import Found
from bcsearch.check.linear import out_of_fold
from bcsearch.check.nearest import N_NEIGHBOURS, neighbours, standardised
from bcsearch.data.folds import make_folds
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bcsearch.check.looked import Looked
    from bcsearch.data.dataset import Dataset
    from bcsearch.data.folds import Fold, Folds


def always_the_largest(
    features: np.ndarray, labels: np.ndarray, folds: Folds, n_classes: int
) -> np.ndarray:
    """Return the shares of the classes in each fold's training part, (n_images, n_classes)."""
    del features

    def shares(fold: Fold) -> np.ndarray:
        counts = np.bincount(labels[fold.train], minlength=n_classes)
        return np.tile(counts / counts.sum(), (len(fold.valid), 1))

    return _put_together(folds, shares, (len(labels), n_classes))


def nearest_neighbours(
    features: np.ndarray, labels: np.ndarray, folds: Folds, n_classes: int
) -> np.ndarray:
    """Return the shares of the classes among the nearest training images, (n_images, n_classes)."""
    known = standardised(features)

    def shares(fold: Fold) -> np.ndarray:
        near = neighbours(known[fold.valid], known[fold.train], N_NEIGHBOURS)
        votes = np.eye(n_classes)[labels[fold.train][near.rows]]
        found: np.ndarray = (votes * np.maximum(near.cosines, 1e-3)[..., np.newaxis]).sum(axis=1)
        found /= found.sum(axis=1, keepdims=True)
        return found

    return _put_together(folds, shares, (len(labels), n_classes))


def baselines(looked: Looked) -> Found:
    """Score what costs next to nothing on the checked data, and a linear head on it as it came.

    Copies that stand on both sides of a fold, and junk, move the last; the difference is what a
    search without a check would be wrong by.
    """
    if looked.features is None or looked.checked is None or looked.probabilities is None:
        return Found(left_out="baselines need features of a backbone and folds")
    dataset, folds = looked.checked
    given = (looked.features, dataset.labels, folds, dataset.n_classes)
    predicted = {
        "always the largest class": always_the_largest(*given),
        "nearest neighbours": nearest_neighbours(*given),
        "a linear head": looked.probabilities,
    }
    scored = {name: _accuracy(each, dataset, folds) for name, each in predicted.items()}
    told = ", ".join(f"{name} {text}" for name, text in scored.items())
    line = f"accuracy before any search, by {folds.n_folds} folds: {told}"
    as_it_came = replace(looked.dataset, groups=None, excluded=None, valid=None)
    try:
        random_folds = make_folds(as_it_came, n_folds=looked.n_folds)
    except DataError:
        return Found(notes=(line,))
    before = out_of_fold(looked.features, dataset.labels, random_folds, dataset.n_classes)
    leak = (
        f"the linear head: {_accuracy(before, as_it_came, random_folds)} on the data as it came, "
        f"{scored['a linear head']} without what is set aside and without copies across folds"
    )
    return Found(notes=(line, leak))


def _accuracy(predicted: np.ndarray, dataset: Dataset, folds: Folds) -> str:
    """Return mean and spread over folds of the accuracy of probabilities (n_images, n_classes)."""
    found = [
        float(np.mean(predicted[fold.valid].argmax(axis=1) == dataset.labels[fold.valid]))
        for fold in folds.folds
    ]
    return f"{mean(found):.1%} ± {100 * stdev(found):.1f}"


def _put_together(
    folds: Folds, predict: Callable[[Fold], np.ndarray], shape: tuple[int, int]
) -> np.ndarray:
    whole = np.full(shape, np.nan, np.float32)
    for fold in folds.folds:
        whole[fold.valid] = predict(fold)
    return whole
