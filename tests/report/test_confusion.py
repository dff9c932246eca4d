from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from bcsearch.report.confusion import Labels, count_out_of_fold


def test_images_are_counted_by_true_and_likeliest_class_as_elsewhere() -> None:
    rng = np.random.default_rng(0)
    labels, probabilities = rng.integers(0, 5, 300), rng.random((300, 5)).astype(np.float16)
    expected = confusion_matrix(labels, probabilities.argmax(axis=1), labels=range(5))
    np.testing.assert_array_equal(count_out_of_fold(labels, probabilities), expected)


def test_images_never_validated_are_left_out() -> None:
    probabilities = np.array([[0.9, 0.1], [np.nan, np.nan], [0.2, 0.8], [np.nan, 0.5]])
    np.testing.assert_array_equal(
        count_out_of_fold(np.array([0, 0, 0, 1]), probabilities), [[1, 1], [0, 0]]
    )


def test_study_of_which_nothing_was_validated_has_empty_counts() -> None:
    assert count_out_of_fold(np.array([0, 1]), np.full((2, 2), np.nan)).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(("side", "across"), [(300, True), (60, False)])
def test_class_names_are_turned_where_they_do_not_fit_below(side: float, across: bool) -> None:
    assert Labels.along(("basophil", "platelet"), side).across is across


def test_long_class_names_are_cut() -> None:
    (name,) = Labels.along(("a name of many letters and words",), 300).names
    assert name.startswith("a name of many")
    assert name.endswith("\u2026")
