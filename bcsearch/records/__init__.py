"""Frozen records that flow between the floors: params, scores, trials, studies, events. Imports nothing heavy."""

from bcsearch.records.params import Params
from bcsearch.records.scores import EpochScores, TrainResult, best_epoch
from bcsearch.records.study import StudyRecord, TrialRecord, TrialState

__all__ = [
    "EpochScores",
    "Params",
    "StudyRecord",
    "TrainResult",
    "TrialRecord",
    "TrialState",
    "best_epoch",
]
