"""Records as CSV: one line a trial, an epoch or an image."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.records import StudyRecord, TrialRecord

Cell = str | int | float | bool | None


def trials_csv(study: StudyRecord) -> str:
    """Return one line a trial.

    Columns: number, state, the fold mean of every score at the best epoch by its name, best epoch,
    epochs, start, seconds, seconds of training, note, then every parameter that was drawn.
    """
    params = sorted({name for trial in study.trials for name in trial.params})
    scores = [study.score, *(name for name in _scores_of(study) if name != study.score)]
    before = ["trial", "state", *scores, "best_epoch", "epochs"]
    header = [*before, "started", "seconds", "train_seconds", "note", *params]
    rows: list[list[Cell]] = []
    for trial in study.trials:
        started, best_epoch = None, None
        if trial.started is not None:
            started = trial.started.isoformat()
        if trial.best is not None:
            best_epoch = trial.best.epoch
        row: list[Cell] = [trial.number, trial.state]
        row += _means_of(trial, study.score, scores)
        row += [best_epoch, len(trial.epochs), started, trial.seconds, trial.train_seconds]
        row += [trial.note, *(trial.params.get(name) for name in params)]
        rows.append(row)
    return _csv(header, rows)


def folds_csv(study: StudyRecord) -> str:
    """Return one line a trial and epoch.

    Columns: trial, epoch, then of every score its mean over folds by its name and its value in
    each fold, such as ``accuracy_fold_0``, then training loss and learning rate.
    """
    n_folds = _scores_of(study)
    header = ["trial", "epoch"]
    for name, count in n_folds.items():
        header += [name, *(f"{name}_fold_{index}" for index in range(count))]
    rows: list[list[Cell]] = []
    for trial in study.trials:
        for epoch in trial.epochs:
            row: list[Cell] = [trial.number, epoch.epoch]
            for name, count in n_folds.items():
                cells: list[Cell] = [None] * (1 + count)
                if name in epoch.scores:
                    folds = epoch.scores[name]
                    cells[: 1 + len(folds)] = [epoch.mean_of(name), *folds]
                row += cells
            rows.append([*row, epoch.train_loss, epoch.learning_rate])
    return _csv([*header, "train_loss", "learning_rate"], rows)


def predictions_csv(
    names: Sequence[str], class_names: Sequence[str], probabilities: Sequence[Sequence[float]]
) -> str:
    """Return one line an image: its name, its likeliest class, then each class's probability."""
    rows: list[list[Cell]] = []
    for name, row in zip(names, probabilities, strict=True):
        likeliest = max(range(len(row)), key=row.__getitem__)
        shares = [round(value, 6) for value in row]
        rows.append([name, likeliest, class_names[likeliest], shares[likeliest], *shares])
    return _csv(["image", "predicted_label", "predicted_class", "probability", *class_names], rows)


def _scores_of(study: StudyRecord) -> dict[str, int]:
    """Return the names of all scores, each with the most folds that it has a value of."""
    n_folds: dict[str, int] = {}
    for trial in study.trials:
        for epoch in trial.epochs:
            for name, folds in epoch.scores.items():
                n_folds[name] = max(len(folds), n_folds.get(name, 0))
    return n_folds


def _means_of(trial: TrialRecord, ranking: str, scores: Sequence[str]) -> list[Cell]:
    means: dict[str, Cell] = {}
    if trial.best is not None:
        means.update({name: trial.best.mean_of(name) for name in trial.best.scores})
    if trial.score is not None:
        means[ranking] = trial.score
    return [means.get(name) for name in scores]


def _csv(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
