from __future__ import annotations

import numpy as np
import pytest

from bcsearch.scores.gain import gain_of


def share_right(labels: np.ndarray, probabilities: np.ndarray) -> float:
    return float((probabilities.argmax(axis=1) == labels).mean())


def predicted(*classes: int) -> np.ndarray:
    found: np.ndarray = np.eye(2)[list(classes)]
    return found


LABELS = [np.zeros(4, np.int64)] * 3
PLAIN = [predicted(0, 0, 1, 1)] * 3


def test_gain_is_the_mean_over_folds_and_noise_their_standard_deviation() -> None:
    other = [predicted(0, 0, 0, 1), predicted(0, 0, 0, 0), predicted(0, 0, 0, 1)]
    gain = gain_of("flip", share_right, LABELS, PLAIN, other)
    assert gain.mean == pytest.approx((0.25 + 0.5 + 0.25) / 3)
    assert gain.noise == pytest.approx(np.std([0.25, 0.5, 0.25], ddof=1))
    assert gain.wins


@pytest.mark.parametrize(
    "other",
    [PLAIN, [predicted(0, 0, 0, 0), predicted(0, 0, 1, 1), predicted(0, 1, 1, 1)]],
    ids=["the same", "better on the mean by less than folds differ"],
)
def test_what_is_not_better_by_more_than_the_noise_does_not_win(other: list[np.ndarray]) -> None:
    assert not gain_of("flip", share_right, LABELS, PLAIN, other).wins


def test_single_fold_is_divided_so_that_there_is_a_noise() -> None:
    labels = np.zeros(50, np.int64)
    plain, other = predicted(*[0, 1] * 25), predicted(*[0] * 50)
    gain = gain_of("flip", share_right, [labels], [plain], [other])
    assert gain.mean == pytest.approx(0.5)
    assert 0.0 < gain.noise < 0.5
