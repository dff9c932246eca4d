from __future__ import annotations

import numpy as np
import pytest

from bcsearch.scores.calibration import (
    at_temperature,
    calibrate,
    expected_calibration_error,
    temperature_of,
)

N = 6000


def drawn(temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Return labels that follow some probabilities, and these at one over a temperature."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (N, 4))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (true.cumsum(axis=1) > random.random((N, 1))).argmax(axis=1)
    return labels, at_temperature(true, 1 / temperature)


@pytest.mark.parametrize("temperature", [0.5, 1.7, 3.0])
def test_temperature_is_the_one_that_was_taken_away(temperature: float) -> None:
    labels, given = drawn(temperature)
    assert temperature_of(labels, given) == pytest.approx(temperature, rel=0.05)


def test_temperature_changes_no_order_and_one_changes_nothing() -> None:
    _, given = drawn(1.0)
    np.testing.assert_allclose(at_temperature(given, 1.0), given, rtol=1e-6)
    np.testing.assert_array_equal(at_temperature(given, 2.5).argmax(axis=1), given.argmax(axis=1))
    np.testing.assert_allclose(at_temperature(given, 2.5).sum(axis=1), 1.0)


def test_error_is_the_mean_difference_of_confidence_and_accuracy() -> None:
    probabilities = np.array([[0.9, 0.1]] * 10 + [[0.6, 0.4]] * 10)
    labels = np.array([0] * 7 + [1] * 3 + [0] * 6 + [1] * 4)
    assert expected_calibration_error(labels, probabilities) == pytest.approx(0.1)


@pytest.mark.parametrize("n_folds", [1, 3])
def test_what_is_too_sure_is_calibrated_by_other_folds(n_folds: int) -> None:
    labels, given = drawn(2.0)
    folds = np.array_split(np.arange(N), n_folds)
    found = calibrate(labels, given.astype(np.float16), folds)
    assert found.temperature == pytest.approx(2.0, rel=0.05)
    assert found.after < 0.02 < 0.1 < found.before


def test_only_rows_of_folds_count_and_true_probabilities_stay() -> None:
    labels, given = drawn(1.0)
    unknown = given.copy()
    unknown[N // 2 :] = np.nan
    found = calibrate(labels, unknown, np.array_split(np.arange(N // 2), 3))
    assert found.temperature == pytest.approx(1.0, abs=0.05)
    assert found.before < 0.03
