from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bcsearch.training.task import Task

pytestmark = pytest.mark.slow

RANDOM = np.random.default_rng(0)
LABELS = np.r_[RANDOM.integers(0, 3, 239), 3]  # of the last class there is one image
PLACES = np.array([[6.0, 0.0], [0.0, 0.2], [0.2, 0.0], [-6.0, 6.0]])  # 1 and 2 look alike
FEATURES = (PLACES[LABELS] + RANDOM.normal(0, 0.5, (240, 2))).astype(np.float16)
TRAIN = [np.arange(0, 120), np.arange(120, 240)]


def errors(features: np.ndarray = FEATURES, labels: np.ndarray = LABELS) -> np.ndarray:
    from bcsearch.training.class_errors import class_errors

    valid = [TRAIN[1], TRAIN[0]]
    task = Task(labels=labels, n_classes=4, train_rows=TRAIN, valid_rows=valid)
    return class_errors(np.tile(features, 40), task, seed=1)


def test_classes_that_look_alike_are_missed_more() -> None:
    found = errors()
    assert found.shape == (2, 4)
    assert (found[:, 0] < 0.1).all()
    assert (found[:, 1:3].mean(axis=1) > 0.2).all()
    assert found[:, 3].tolist() == [0.0, 1.0]  # nothing to miss, nothing to learn from


def test_errors_of_a_fold_say_nothing_of_the_images_that_it_is_validated_on() -> None:
    changed = FEATURES.copy()
    changed[TRAIN[1]] = changed[TRAIN[1], ::-1]
    labels = LABELS.copy()
    labels[TRAIN[1]] = (labels[TRAIN[1]] + 1) % 3
    here, there = errors(), errors(changed, labels)
    np.testing.assert_array_equal(here[0], there[0])
    assert not np.array_equal(here[1], there[1])


def test_copies_of_one_group_never_stand_on_both_sides() -> None:
    from bcsearch.training.class_errors import class_errors

    rows = np.repeat(np.arange(60), 4)  # four copies of each image, of labels that none can tell
    features, labels = RANDOM.normal(0, 1, (60, 80))[rows], RANDOM.integers(0, 4, 60)[rows]
    task = Task(labels=labels, n_classes=4, train_rows=[np.arange(240)], valid_rows=[])
    copied = class_errors(features.astype(np.float16), task, seed=1)
    grouped = class_errors(features.astype(np.float16), replace(task, groups=rows), seed=1)
    assert copied.mean() < 0.2
    assert grouped.mean() > 0.5
