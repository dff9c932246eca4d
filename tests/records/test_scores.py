from __future__ import annotations

import pytest

from bcsearch.records import EpochScores, TrainResult, best_epoch
from tests.fakes import make_scores


def curve(*folds: tuple[float, ...]) -> tuple[EpochScores, ...]:
    """Return one record an epoch from the scores of its folds."""
    return tuple(make_scores(epoch, *scores, log_loss=-0.5) for epoch, scores in enumerate(folds))


def test_mean_is_over_folds() -> None:
    (scores,) = curve((0.5, 0.6, 1.0))
    assert scores.mean == scores.mean_of("accuracy") == pytest.approx(0.7)
    assert scores.mean_of("log_loss") == pytest.approx(-0.5)
    assert scores.fold_scores == (0.5, 0.6, 1.0)


def test_best_epoch_is_chosen_on_the_mean_and_not_per_fold() -> None:
    epochs = curve((0.9, 0.1), (0.6, 0.6), (0.1, 0.9))
    assert best_epoch(epochs).epoch == 1
    assert TrainResult(epochs=epochs, stopped=False).best is epochs[1]


def test_earliest_epoch_is_best_on_a_tie() -> None:
    assert best_epoch(curve((0.2,), (0.8,), (0.8,))).epoch == 1


def test_no_epoch_has_no_best() -> None:
    with pytest.raises(ValueError, match="empty"):
        best_epoch(())
