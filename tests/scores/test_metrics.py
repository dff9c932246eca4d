from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as theirs

from bcsearch.scores import metrics as ours

N_CLASSES = 5


def draw(seed: int, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Draw labels in which every class is there and predictions that are mostly right."""
    random = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(N_CLASSES), random.integers(0, N_CLASSES, n)])
    predicted = np.where(
        random.random(len(labels)) < 0.6, labels, random.integers(0, N_CLASSES, len(labels))
    )
    return labels, predicted


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_those_of_scikit_learn(seed: int) -> None:
    labels, predicted = draw(seed)
    confusion = ours.confusion_matrix(labels, predicted, N_CLASSES)
    np.testing.assert_array_equal(confusion, theirs.confusion_matrix(labels, predicted))
    assert ours.accuracy(confusion) == pytest.approx(theirs.accuracy_score(labels, predicted))
    assert ours.balanced_accuracy(confusion) == pytest.approx(
        theirs.balanced_accuracy_score(labels, predicted)
    )
    assert ours.macro_f1(confusion) == pytest.approx(
        theirs.f1_score(labels, predicted, average="macro")
    )


def test_class_without_images_counts_only_where_it_was_predicted() -> None:
    labels, predicted = np.array([0, 0, 1, 1]), np.array([0, 2, 1, 1])
    confusion = ours.confusion_matrix(labels, predicted, 4)
    assert ours.balanced_accuracy(confusion) == pytest.approx((0.5 + 1) / 2)
    assert ours.macro_f1(confusion) == pytest.approx(
        theirs.f1_score(labels, predicted, average="macro")
    )
    np.testing.assert_array_equal(ours.recalls(confusion), [0.5, 1.0, np.nan, np.nan])


@pytest.mark.parametrize("seed", range(3))
def test_log_loss_is_that_of_scikit_learn_with_its_sign_turned(seed: int) -> None:
    labels, _ = draw(seed)
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(N_CLASSES), len(labels))
    expected = -theirs.log_loss(labels, probabilities, labels=range(N_CLASSES))
    assert ours.negative_log_loss(labels, probabilities) == pytest.approx(expected)


def test_log_loss_of_a_class_held_impossible_is_finite() -> None:
    found = ours.negative_log_loss(np.array([0]), np.array([[0.0, 1.0]]))
    assert found == pytest.approx(np.log(1e-7))
