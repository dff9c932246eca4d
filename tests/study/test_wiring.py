"""What is handed to an objective: drawing with the labels and class names of the data."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from bcsearch.recipe import Params
from bcsearch.records import EpochScores, TrialState
from bcsearch.storage import LedgerEntry

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("has_probabilities", [True, False])
def test_trials_are_drawn_with_the_labels_and_class_names_of_the_data(
    has_probabilities: bool,
) -> None:
    from bcsearch.study.wiring import drawing_of

    dataset = SimpleNamespace(labels=np.array([0, 1, 1]), class_names=("round", "flat"))
    epochs = (EpochScores(epoch=0, fold_scores=(0.5, 0.7), train_loss=1.0, learning_rate=0.01),)
    entry = LedgerEntry(
        trial_number=3,
        params=Params(),
        epochs=epochs,
        state=TrialState.PRUNED,
        train_seconds=0.5,
        total_seconds=1.0,
    )
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8]]) if has_probabilities else None
    text = drawing_of(cast("Any", dataset))(entry, probabilities)
    assert "Trial 3" in text
    assert ("2 of 3 images right" in text) == has_probabilities
    assert (">flat<" in text) == has_probabilities
