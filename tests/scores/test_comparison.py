from __future__ import annotations

import numpy as np
import pytest

from bcsearch.scores.comparison import Comparison
from bcsearch.scores.table import SCORES

N = 300
LABELS = np.arange(N) % 2
FOLDS = np.array_split(np.random.default_rng(3).permutation(N), 3)


def predicted(*classes: int) -> np.ndarray:
    found: np.ndarray = np.eye(2)[list(classes)]
    return found[np.newaxis]


def right_in(share: float, seed: int, n_views: int = 1) -> np.ndarray:
    is_right = np.random.default_rng(seed).random((n_views, N)) < share
    found: np.ndarray = np.eye(2)[np.where(is_right, LABELS, 1 - LABELS)]
    return found


def compared(*scores: str, groups: np.ndarray | None = None, n_repeats: int = 1) -> Comparison:
    chosen = [SCORES[name] for name in scores or ("accuracy",)]
    return Comparison(scores=chosen, labels=LABELS, folds=[FOLDS] * n_repeats, groups=groups)


ZEROS = Comparison(
    scores=[SCORES["accuracy"]], labels=np.zeros(12, int), folds=[np.split(np.arange(12), 3)]
)
PLAIN = predicted(*[0, 0, 1, 1] * 3)


def test_gain_is_the_mean_over_folds_and_noise_their_standard_deviation() -> None:
    other = predicted(*[0, 0, 0, 1], *[0] * 4, *[0, 0, 0, 1])
    gain = ZEROS.gain("flip", [other], [PLAIN])
    assert gain.mean == pytest.approx((0.25 + 0.5 + 0.25) / 3)
    assert gain.noise == pytest.approx(np.std([0.25, 0.5, 0.25], ddof=1))
    assert gain.wins


@pytest.mark.parametrize(
    "other",
    [PLAIN, predicted(0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 1, 1)],
    ids=["the same", "better on the mean by less than folds differ"],
)
def test_what_is_not_better_by_more_than_the_noise_does_not_win(other: np.ndarray) -> None:
    assert not ZEROS.gain("flip", [other], [PLAIN]).wins


def test_single_fold_is_divided_so_that_there_is_a_noise() -> None:
    alone = Comparison(
        scores=[SCORES["accuracy"]], labels=np.zeros(50, int), folds=[[np.arange(50)]]
    )
    gain = alone.gain("flip", [predicted(*[0] * 50)], [predicted(*[0, 1] * 25)])
    assert gain.mean == pytest.approx(0.5)
    assert 0.0 < gain.noise < 0.5


def test_every_score_is_given_for_each_fold_of_each_repeat() -> None:
    both = compared("accuracy", "macro_f1", n_repeats=2)
    first, second = right_in(1.0, 0), right_in(0.0, 0)
    scores = both.score([first, second])
    assert scores["accuracy"] == (1.0, 1.0, 1.0, 0.0, 0.0, 0.0)
    assert set(scores) == {"accuracy", "macro_f1"}


def test_shifted_score_reads_its_own_views() -> None:
    """Clean images stand first, whatever score ranks; of the shifted ones there are two views."""
    both = compared("accuracy@shift", "accuracy")
    seen = np.concatenate([right_in(1.0, 0), right_in(0.0, 0), right_in(1.0, 0)])
    scores = both.score([seen])
    assert scores["accuracy"] == (1.0, 1.0, 1.0)
    assert scores["accuracy@shift"] == (0.5, 0.5, 0.5)


def test_chance_is_one_half_between_equals_and_near_one_where_one_is_better() -> None:
    model = right_in(0.8, 1)
    assert compared().chance([model], [model]) == 0.5
    assert compared().chance([right_in(0.9, 1)], [right_in(0.6, 2)]) > 0.99
    assert compared().chance([right_in(0.6, 2)], [right_in(0.9, 1)]) < 0.01


def test_images_of_one_group_are_drawn_together() -> None:
    """A difference that comes from one group of many images is no more than one draw."""
    groups = np.where(np.arange(N) < 60, 0, np.arange(N))
    worse = right_in(1.0, 0)
    better = worse.copy()
    worse[:, :30] = 1 - worse[:, :30]  # 30 of the 60 images of the group
    better[:, 200:210] = 1 - better[:, 200:210]  # ten images, each on its own
    apart = compared().chance([better], [worse])
    together = compared(groups=groups).chance([better], [worse])
    assert apart > 0.99
    assert 0.5 < together < 0.8  # the group is not drawn with a chance of 0.37


def test_repeats_on_other_images_count_by_those_that_each_has_validated() -> None:
    """Of a split each repeat validates a part of its own, here two without a common image."""
    halves = np.split(np.random.default_rng(0).permutation(N), 2)
    apart = Comparison(
        scores=[SCORES["accuracy"]], labels=LABELS, folds=[[half] for half in halves]
    )
    better, worse = right_in(0.9, 1), right_in(0.6, 2)
    seen = []
    for model in (better, worse):
        views = [model.copy(), model.copy()]
        for view, half in zip(views, halves, strict=True):
            view[:, np.setdiff1d(np.arange(N), half)] = np.nan
        seen.append(views)
    assert apart.chance(*seen) > 0.99


def test_repeats_are_averaged() -> None:
    first, second = right_in(0.9, 1), right_in(0.5, 2)
    both = compared(n_repeats=2)
    assert both.chance([first, second], [second, first]) == pytest.approx(0.5, abs=0.01)
