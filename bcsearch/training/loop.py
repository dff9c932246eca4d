"""The epochs of a trial: train all folds, score them, report the mean, stop in time. Imports lower floors."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.records import EpochScores, TrainResult
from bcsearch.training.metrics import score
from bcsearch.training.schedules import Schedule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.config import Training
    from bcsearch.records import Params
    from bcsearch.records.events import Report
    from bcsearch.training.protocol import FoldTrainer


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
    """What is learned: labels (n_images,) int64, and the rows that each fold trains and validates on."""

    labels: np.ndarray
    n_classes: int
    train_rows: Sequence[np.ndarray]
    valid_rows: Sequence[np.ndarray]


def train_folds(
    trainer: FoldTrainer, task: Task, params: Params, settings: Training, report: Report, staged_until: int = 0
) -> TrainResult:
    """Train all folds abreast until the epochs are over or the fold mean stops rising.

    Patience is counted from epoch ``staged_until`` on, where the last stage of unfreezing begins, not before.
    ``report`` may stop it too, and so does a loss that is no longer a number: the best epoch before it counts.
    """
    seconds = 0.0
    schedule = Schedule(params.schedule, params.learning_rate, settings.epochs)
    done: list[EpochScores] = []
    best, best_probabilities, stopped = -1, None, False
    for epoch in range(settings.epochs):
        started = time.perf_counter()
        rate = schedule.rate(epoch)
        loss = trainer.train_epoch(epoch, rate)
        probabilities = trainer.predict()
        done.append(_score_epoch(epoch, task, settings.score, probabilities, loss=loss, rate=rate))
        schedule.observe(done[-1].mean)
        if best < 0 or done[-1].mean > done[best].mean:
            best, best_probabilities = epoch, probabilities
        seconds += time.perf_counter() - started
        stopped = report(epoch, done[-1].mean)
        if stopped or not isfinite(loss) or epoch - max(best, staged_until) >= settings.patience:
            break
    return TrainResult(
        epochs=tuple(done),
        stopped=stopped,
        probabilities=None if best_probabilities is None else out_of_fold(task, best_probabilities),
        seconds=seconds,
    )


def out_of_fold(task: Task, probabilities: Sequence[np.ndarray]) -> np.ndarray:
    """Put each fold's validation probabilities at their images' rows, (n_images, n_classes) float16."""
    whole = np.full((len(task.labels), task.n_classes), np.nan, np.float16)
    for rows, fold in zip(task.valid_rows, probabilities, strict=True):
        whole[rows] = fold
    return whole


def _score_epoch(
    epoch: int, task: Task, kind: str, probabilities: Sequence[np.ndarray], *, loss: float, rate: float
) -> EpochScores:
    pairs = zip(task.valid_rows, probabilities, strict=True)
    fold_scores = tuple(score(kind, task.labels[rows], fold) for rows, fold in pairs)
    return EpochScores(epoch=epoch, fold_scores=fold_scores, train_loss=loss, learning_rate=rate)
