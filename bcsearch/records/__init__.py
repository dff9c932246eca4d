"""Frozen records that flow between the floors: scores, trials, studies, events."""

from bcsearch.records.scores import EpochScores, TrainResult, best_epoch
from bcsearch.records.study import StudyRecord, TrialRecord, TrialState

__all__ = [
    "EpochScores",
    "StudyRecord",
    "TrainResult",
    "TrialRecord",
    "TrialState",
    "best_epoch",
]
