"""Records to rows, and rows to CSV. Imports the records floor only."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.records import StudyRecord

Cell = str | int | float | bool | None


def trials_csv(study: StudyRecord) -> str:
    """Return one line a trial: number, state, score, best epoch, epochs, start, times, then every parameter drawn."""
    names = sorted({name for trial in study.trials for name in trial.params})
    header = [
        "trial",
        "state",
        "score",
        "best_epoch",
        "epochs",
        "started",
        "seconds",
        "train_seconds",
        "note",
        *names,
    ]
    rows: list[list[Cell]] = []
    for trial in study.trials:
        best = None if trial.best is None else trial.best.epoch
        started = None if trial.started is None else trial.started.isoformat()
        times = [started, trial.seconds, trial.train_seconds]
        drawn = [trial.params.get(name) for name in names]
        rows.append(
            [
                trial.number,
                trial.state,
                trial.score,
                best,
                len(trial.epochs),
                *times,
                trial.note,
                *drawn,
            ]
        )
    return _csv(header, rows)


def folds_csv(study: StudyRecord) -> str:
    """Return one line a trial and epoch: the score of every fold, their mean, training loss, learning rate."""
    n_folds = max((len(e.fold_scores) for trial in study.trials for e in trial.epochs), default=0)
    header = [
        "trial",
        "epoch",
        "mean",
        *(f"fold_{index}" for index in range(n_folds)),
        "train_loss",
        "learning_rate",
    ]
    rows: list[list[Cell]] = [
        [trial.number, e.epoch, e.mean, *e.fold_scores, e.train_loss, e.learning_rate]
        for trial in study.trials
        for e in trial.epochs
    ]
    return _csv(header, rows)


def predictions_csv(
    names: Sequence[str], class_names: Sequence[str], probabilities: Sequence[Sequence[float]]
) -> str:
    """Return one line an image: its name, the class with the highest probability, then each class's probability."""
    rows: list[list[Cell]] = []
    for name, row in zip(names, probabilities, strict=True):
        likeliest = max(range(len(row)), key=row.__getitem__)
        shares = [round(value, 6) for value in row]
        rows.append([name, likeliest, class_names[likeliest], shares[likeliest], *shares])
    return _csv(["image", "predicted_label", "predicted_class", "probability", *class_names], rows)


def _csv(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
