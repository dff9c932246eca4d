from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from bcsearch.recipe import Params
from bcsearch.training.class_weights import class_weights

ERRORS = np.array([0.1, 0.0, 0.4, 0.2])
LABELS = np.random.default_rng(0).choice(4, size=500, p=[0.6, 0.25, 0.1, 0.05])


def weights_of(kind: str, labels: np.ndarray = LABELS, **others: float) -> np.ndarray:
    return class_weights(Params(class_weights=kind, **others), labels, ERRORS)


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    weights = weights_of("balanced")
    theirs = compute_class_weight("balanced", classes=np.arange(4), y=LABELS)
    np.testing.assert_allclose(weights, theirs, rtol=1e-6)
    assert weights[LABELS].mean() == pytest.approx(1.0)


def test_class_without_images_weighs_nothing() -> None:
    few = np.array([0, 0, 3, 3])
    np.testing.assert_array_equal(weights_of("balanced", few), [0.5, 0.0, 0.0, 0.5])
    np.testing.assert_allclose(weights_of("effective", few), [1.0, 0.0, 0.0, 1.0])


def test_without_weights_all_classes_weigh_one() -> None:
    weights = weights_of("none")
    np.testing.assert_array_equal(weights, np.ones(4, np.float32))
    assert weights.dtype == weights_of("balanced").dtype == np.float32


def test_effective_weights_go_from_even_to_balanced_as_beta_rises() -> None:
    counts = np.bincount(LABELS)
    found = weights_of("effective", class_weight_beta=0.99)
    inverse = (1 - 0.99) / (1 - 0.99**counts)
    np.testing.assert_allclose(found / found[0], inverse / inverse[0], rtol=1e-6)
    np.testing.assert_allclose(weights_of("effective", class_weight_beta=0.0), np.ones(4))
    nearly = weights_of("effective", class_weight_beta=0.9999)
    np.testing.assert_allclose(nearly, weights_of("balanced"), rtol=0.02)


def test_confusion_weights_are_half_even_and_half_in_proportion_to_the_errors() -> None:
    weights = weights_of("confusion")
    assert weights[1] == 0.5
    np.testing.assert_allclose(weights - 0.5, ERRORS * (weights[2] - 0.5) / 0.4, rtol=1e-6)
    none_missed = class_weights(Params(class_weights="confusion"), LABELS, np.zeros(4))
    np.testing.assert_array_equal(none_missed, np.ones(4))


@pytest.mark.parametrize("kind", ["balanced", "effective", "confusion"])
def test_strength_goes_from_none_to_the_weights_of_the_kind(kind: str) -> None:
    whole = weights_of(kind)
    np.testing.assert_array_equal(weights_of(kind, class_weight_strength=0.0), weights_of("none"))
    half = weights_of(kind, class_weight_strength=0.5)
    np.testing.assert_allclose(half, (1 + whole) / 2, rtol=1e-6)
    for strength in (0.0, 0.5, 1.0):
        found = weights_of(kind, class_weight_strength=strength)
        assert found[LABELS].mean() == pytest.approx(1.0)
