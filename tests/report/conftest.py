"""A small study with trials of every state, as it is read back from a storage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bcsearch.records import EpochScores, StudyRecord, TrialRecord, TrialState

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def epochs(*folds: tuple[float, ...]) -> tuple[EpochScores, ...]:
    return tuple(
        EpochScores(
            epoch=epoch,
            score="accuracy",
            scores={"accuracy": scores, "macro_f1": tuple(value / 2 for value in scores)},
            train_loss=1.0 / (epoch + 1),
            learning_rate=0.01,
        )
        for epoch, scores in enumerate(folds)
    )


@pytest.fixture
def study() -> StudyRecord:
    done = {"started": NOON, "finished": NOON + timedelta(seconds=2.5), "train_seconds": 2.0}
    trials = (
        TrialRecord(
            number=0,
            state=TrialState.COMPLETE,
            score=0.8,
            params={"learning_rate": 0.00123, "units_1": 128},
            acting={"backbone": "custom", "learning_rate": 0.00123, "units_1": 128},
            epochs=epochs((0.5, 0.7), (0.7, 0.9), (0.7, 0.8)),
            **done,  # type: ignore[arg-type] # a mixed dict
        ),
        TrialRecord(
            number=1,
            state=TrialState.PRUNED,
            score=0.4,
            params={"learning_rate": 0.01},
            epochs=epochs((0.3, 0.5)),
            note='slow, "odd"',
        ),
        TrialRecord(
            number=2,
            state=TrialState.COMPLETE,
            score=0.9,
            params={"optimizer": "sgd"},
            epochs=epochs((0.9, 0.9)),
        ),
        TrialRecord(number=3, state=TrialState.RUNNING),
        TrialRecord(number=4, state=TrialState.FAIL, note="lost"),
    )
    return StudyRecord(name="cells-2", sweep="cells", uuid="u", trials_wanted=10, trials=trials)
