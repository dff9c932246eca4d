"""How often a linear head misses each class, on images that it has not learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bcsearch.seeds import derive_seed
from bcsearch.training.linear import linear_probabilities
from bcsearch.training.protocol import Check, nothing
from bcsearch.training.task import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

N_PARTS = 3


def class_errors(features: np.ndarray, task: Task, seed: int, check: Check = nothing) -> np.ndarray:
    """Return the share of each class that is missed, (n_folds, n_classes), 0 to 1.

    The training rows of a fold are parted in three, groups kept whole, and each part is predicted
    by a linear head on clean ``features`` (n_images, n_features) of the other two: validation rows
    say nothing.
    ``check`` is called before each epoch.
    """
    return np.stack([_errors(features, task, rows, seed, check) for rows in task.train_rows])


def _errors(
    features: np.ndarray, task: Task, rows: np.ndarray, seed: int, check: Check
) -> np.ndarray:
    parts = _parts(rows, task, derive_seed(seed, "parts"))
    others = [np.setdiff1d(rows, part) for part in parts]
    inner = Task(labels=task.labels, n_classes=task.n_classes, train_rows=others, valid_rows=parts)
    (probabilities,) = linear_probabilities([features], inner, seed, check)
    predicted = np.concatenate([fold.argmax(axis=1) for fold in probabilities])
    labels = task.labels[np.concatenate(parts)]
    missed = np.bincount(labels[predicted != labels], minlength=task.n_classes)
    return missed / np.maximum(np.bincount(labels, minlength=task.n_classes), 1)


def _parts(rows: np.ndarray, task: Task, seed: int) -> Sequence[np.ndarray]:
    """Return rows in parts, every class spread evenly over them and no group split."""
    mixed = np.random.default_rng(seed).permutation(rows)
    groups = mixed if task.groups is None else task.groups[mixed]
    _, firsts, group_of = np.unique(groups, return_index=True, return_inverse=True)
    label_of = task.labels[mixed[firsts]]
    part_of = np.empty(len(firsts), np.int64)
    part_of[np.lexsort((firsts, label_of))] = np.arange(len(firsts)) % N_PARTS
    return [mixed[part_of[group_of] == part] for part in range(N_PARTS)]
