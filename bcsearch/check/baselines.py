"""What a classifier scores that costs no training worth the name, and what copies add to it."""

from __future__ import annotations

from dataclasses import replace
from statistics import mean, stdev
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.check.candidates import standardised
from bcsearch.check.found import Found
from bcsearch.check.linear import out_of_fold
from bcsearch.check.neighbours import N_NEIGHBOURS, neighbours
from bcsearch.data.folds import make_folds
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


BASELINES = {
    "always the largest class": always_the_largest,
    "nearest neighbours": nearest_neighbours,
    "a linear head": out_of_fold,
}


def baselines(looked: Looked) -> Found:
    """Score each of ``BASELINES`` on the checked data, and the linear head on the data as it came.

    Copies that stand on both sides of a fold, and junk, move the second; the difference is what a
    search without a check would be wrong by.
    """
    checked = looked.checked
    if looked.features is None or checked is None:
        return Found(left_out="baselines need features of a backbone and folds")
    told = [
        f"{name} {_text(_accuracies(predict, looked.features, *checked))}"
        for name, predict in BASELINES.items()
    ]
    notes = [f"accuracy before any search, by {len(checked[1].folds)} folds: {', '.join(told)}"]
    as_it_came = replace(looked.dataset, groups=None, excluded=None, valid=None)
    try:
        folds = make_folds(as_it_came, n_folds=looked.n_folds)
    except DataError:
        return Found(notes=tuple(notes))
    before = _accuracies(out_of_fold, looked.features, as_it_came, folds)
    after = _accuracies(out_of_fold, looked.features, *checked)
    notes.append(
        f"the linear head: {_text(before)} on the data as it came, {_text(after)} without what is "
        "set aside and without copies across folds"
    )
    return Found(notes=tuple(notes))


def _accuracies(
    predict: Callable[..., np.ndarray], features: np.ndarray, dataset: Dataset, folds: Folds
) -> Sequence[float]:
    predicted = predict(features, dataset.labels, folds, dataset.n_classes)
    return [
        float(np.mean(predicted[fold.valid].argmax(axis=1) == dataset.labels[fold.valid]))
        for fold in folds.folds
    ]


def _put_together(
    folds: Folds, predict: Callable[[Fold], np.ndarray], shape: tuple[int, int]
) -> np.ndarray:
    whole = np.full(shape, np.nan, np.float32)
    for fold in folds.folds:
        whole[fold.valid] = predict(fold)
    return whole


def _text(accuracies: Sequence[float]) -> str:
    return f"{mean(accuracies):.1%} ± {100 * stdev(accuracies):.1f}"
