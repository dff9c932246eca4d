from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from bcsearch.training.class_weights import class_weights


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    labels = np.random.default_rng(0).choice(4, size=500, p=[0.6, 0.25, 0.1, 0.05])
    weights = class_weights("balanced", labels, 4)
    np.testing.assert_allclose(
        weights, compute_class_weight("balanced", classes=np.arange(4), y=labels), rtol=1e-6
    )
    assert weights[labels].mean() == pytest.approx(1.0)


def test_class_without_images_weighs_nothing() -> None:
    np.testing.assert_array_equal(
        class_weights("balanced", np.array([0, 0, 3, 3]), 4), [0.5, 0.0, 0.0, 0.5]
    )


def test_without_weights_all_classes_weigh_one() -> None:
    weights = class_weights("none", np.array([0, 0, 1]), 3)
    np.testing.assert_array_equal(weights, np.ones(3, np.float32))
    assert weights.dtype == class_weights("balanced", np.array([0, 1]), 2).dtype == np.float32
