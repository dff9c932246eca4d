"""The table of baselines, and what copies on both sides of a fold add to the last of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.check.found import Found
from bcsearch.check.nearest import N_NEIGHBOURS, neighbours, standardised
from bcsearch.records.checked import Baseline
from bcsearch.training.linear import linear_probabilities
from bcsearch.training.protocol import shifts_of

if TYPE_CHECKING:
    from bcsearch.check.looked import Divided, Looked
    from bcsearch.training.protocol import Evaluator
    from bcsearch.training.task import Task

Predicted = list[Sequence[np.ndarray]]  # by view, then by fold: (n_valid, n_classes)


def largest_class(looked: Looked, task: Task) -> Predicted:
    """Return the shares of the classes in each fold's training part."""
    found = []
    for train, valid in zip(task.train_rows, task.valid_rows, strict=True):
        counts = np.bincount(task.labels[train], minlength=task.n_classes)
        found.append(np.tile(counts / counts.sum(), (len(valid), 1)))
    return [found] * len(looked.views)


def nearest_neighbours(looked: Looked, task: Task) -> Predicted:
    """Return the shares of the classes among the nearest training images, by their cosines."""
    clean = looked.views[0]
    known = standardised(clean)

    def shares(seen: np.ndarray, train: np.ndarray, valid: np.ndarray) -> np.ndarray:
        near = neighbours(seen[valid], known[train], N_NEIGHBOURS)
        votes = np.eye(task.n_classes)[task.labels[train][near.rows]]
        found: np.ndarray = (votes * np.maximum(near.cosines, 1e-3)[..., np.newaxis]).sum(axis=1)
        found /= found.sum(axis=1, keepdims=True)
        return found

    predicted: Predicted = []
    for view in looked.views:
        seen = known if view is clean else standardised(view, as_in=clean)
        rows = zip(task.train_rows, task.valid_rows, strict=True)
        predicted.append([shares(seen, train, valid) for train, valid in rows])
    return predicted


BASELINES: dict[str, Callable[[Looked, Task], Predicted]] = {
    "largest class": largest_class,
    "nearest neighbours": nearest_neighbours,
    "linear head": lambda looked, task: looked.linear,
}


def baselines(looked: Looked) -> Found:
    """Score what costs next to nothing on the folds of the study, by all of its scores.

    The linear head is also scored on the data as it came, where junk, and copies on both sides of a
    fold, move its score: that is what a search without a check would be wrong by.
    """
    if looked.divided is None or not looked.scores:
        return Found(left_out="baselines need folds")
    divided = looked.divided
    found = tuple(
        Baseline(name=name, scores=_scored(looked.scores, predict(looked, divided.task), divided))
        for name, predict in BASELINES.items()
    )
    return Found(baselines=found, as_it_came=_as_it_came(looked))


def _as_it_came(looked: Looked) -> tuple[float, ...]:
    """Return the first score of the linear head, fold by fold, on the data as it came.

    Nothing where nothing was changed, or where it has no folds.
    """
    came = looked.divide((), ()) if looked.is_changed else None
    if came is None:
        return ()
    ranking = looked.scores[0]
    known = shifts_of(looked.scores)
    views = [looked.views[known.index(shift)] for shift in shifts_of([ranking])]
    predicted = linear_probabilities(views, came.task, seed=0)
    return _scored([ranking], predicted, came)[ranking.name]


def _scored(
    scores: Sequence[Evaluator], predicted: Predicted, divided: Divided
) -> dict[str, tuple[float, ...]]:
    """Return every score in each fold."""
    task, shifts = divided.task, shifts_of(scores)
    found = {}
    for score in scores:
        views = [predicted[shifts.index(shift)] for shift in score.shifts]
        found[score.name] = tuple(
            score(task.labels[rows], [view[fold] for view in views], rows)
            for fold, rows in enumerate(task.valid_rows)
        )
    return found
