from __future__ import annotations

import numpy as np
import pytest

from bcsearch.records.choice import Repeated
from bcsearch.records.ending import Gain
from bcsearch.scores.choosing import best_repeated, greedy_ensemble, simplest_unbeaten


def repeated(trial: int, clean: float, shift: float) -> Repeated:
    scores = {"accuracy": (clean, clean), "accuracy@shift": (shift, shift)}
    return Repeated(trial=trial, searched=0.99, scores=scores)


FOUR = [
    repeated(0, 0.90, 0.70),
    repeated(1, 0.89, 0.80),
    repeated(2, 0.86, 0.95),
    repeated(3, 0.90, 0.60),
]


def test_best_of_the_repeats_is_named_and_the_earlier_on_a_tie() -> None:
    assert best_repeated(FOUR, "accuracy").trial == 0
    assert best_repeated(FOUR[::-1], "accuracy").trial == 3


def test_under_shift_only_what_is_within_two_points_of_the_best_clean_score_counts() -> None:
    assert best_repeated(FOUR, "accuracy@shift").trial == 1


def test_log_loss_has_no_points_so_its_spread_over_folds_is_the_margin() -> None:
    found = [
        Repeated(
            trial=trial,
            searched=-0.3,
            scores={"log_loss": folds, "log_loss@shift": (shift, shift)},
        )
        for trial, folds, shift in (
            (0, (-0.2, -0.4), -0.9),
            (1, (-0.35, -0.45), -0.6),
            (2, (-0.8, -0.9), -0.1),
        )
    ]
    assert best_repeated(found, "log_loss@shift").trial == 1


def test_where_clean_scores_are_not_known_the_shifted_one_decides() -> None:
    alone = [
        Repeated(trial=n, searched=0.9, scores={"own@there": (value,)})
        for n, value in enumerate((0.3, 0.5))
    ]
    assert best_repeated(alone, "own@there").trial == 1


LABELS = np.arange(60) % 3


def with_errors(rows: np.ndarray, towards: int, sure: float = 0.9) -> np.ndarray:
    labels = LABELS.copy()
    labels[rows] = (labels[rows] + towards) % 3
    found: np.ndarray = np.full((60, 3), (1 - sure) / 2)
    found[np.arange(60), labels] = sure
    return found


def share_right(probabilities: np.ndarray) -> float:
    return float((probabilities.argmax(axis=1) == LABELS).mean())


def test_ensemble_takes_models_that_err_on_other_images() -> None:
    library = {
        4: with_errors(np.arange(0, 12), 1),
        7: with_errors(np.arange(12, 26), 1),
        9: with_errors(np.arange(26, 41), 1),
        11: with_errors(np.arange(0, 20), 1, sure=0.99),  # worse and surer
    }
    chosen = greedy_ensemble(library, share_right)
    assert chosen[0] == 4
    assert set(chosen) == {4, 7, 9}
    assert share_right(np.mean([library[number] for number in chosen], axis=0)) == 1.0


def test_ensemble_of_one_is_that_one_once() -> None:
    library = {3: with_errors(np.arange(5), 1), 5: with_errors(np.arange(50), 1)}
    assert greedy_ensemble(library, share_right) == (3,)


@pytest.mark.parametrize(
    ("means", "ships"),
    [
        ({}, "refit"),
        ({("ensemble", "refit"): 0.02}, "bag"),  # which the ensemble does not beat
        ({("ensemble", "refit"): 0.02, ("ensemble", "bag"): 0.02}, "ensemble"),
        ({("committee", name): 0.02 for name in ("refit", "bag", "ensemble")}, "committee"),
        ({("committee", "bag"): 0.02}, "refit"),
    ],
)
def test_simplest_way_that_none_beats_by_more_than_the_noise_ships(
    means: dict[tuple[str, str], float], ships: str
) -> None:
    def gain(one: str, other: str) -> Gain:
        return Gain(name=one, mean=means.get((one, other), 0.009), noise=0.01)

    assert simplest_unbeaten(["refit", "bag", "ensemble", "committee"], gain) == ships
