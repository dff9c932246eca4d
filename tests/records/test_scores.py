from __future__ import annotations

import pytest

from bcsearch.records import EpochScores, TrainResult, best_epoch


def curve(*folds: tuple[float, ...]) -> tuple[EpochScores, ...]:
    """Return one record an epoch from the scores of its folds."""
    return tuple(
        EpochScores(epoch=epoch, fold_scores=scores, train_loss=1.0, learning_rate=1e-3)
        for epoch, scores in enumerate(folds)
    )


def test_mean_is_over_folds() -> None:
    assert curve((0.5, 0.6, 1.0))[0].mean == pytest.approx(0.7)


def test_best_epoch_is_chosen_on_the_mean_and_not_per_fold() -> None:
    epochs = curve((0.9, 0.1), (0.6, 0.6), (0.1, 0.9))
    assert best_epoch(epochs).epoch == 1
    assert TrainResult(epochs=epochs, stopped=False).best is epochs[1]


def test_earliest_epoch_is_best_on_a_tie() -> None:
    assert best_epoch(curve((0.2,), (0.8,), (0.8,))).epoch == 1


def test_no_epoch_has_no_best() -> None:
    with pytest.raises(ValueError, match="empty"):
        best_epoch(())
