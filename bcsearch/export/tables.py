"""Records as CSV: one line a trial, an epoch or an image.

Texts that a spreadsheet would run as a formula begin with an apostrophe.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.records import StudyRecord


FORMULA = ("=", "+", "-", "@", "\t")  # what a spreadsheet takes for the start of one


def trials_csv(study: StudyRecord) -> str:
    """Return one line a trial.

    Columns: number, state, the fold mean of every score at the best epoch by its name, best epoch,
    epochs, start, seconds, seconds of training, note, then every parameter that was drawn.
    """
    rows: list[dict[str, Any]] = []
    scores, params = {study.score: None}, set()
    for trial in study.trials:
        row = {
            "trial": trial.number,
            "state": trial.state,
            "epochs": len(trial.epochs),
            "seconds": trial.seconds,
            "train_seconds": trial.train_seconds,
            "note": trial.note,
            **trial.params,
        }
        if trial.started is not None:
            row["started"] = trial.started.isoformat()
        if trial.best is not None:
            row["best_epoch"] = trial.best.epoch
            row |= trial.best.means
            scores |= dict.fromkeys(trial.best.scores)
        row[study.score] = trial.score
        params |= set(trial.params)
        rows.append(row)
    times = ["started", "seconds", "train_seconds"]
    header = ["trial", "state", *scores, "best_epoch", "epochs", *times, "note", *sorted(params)]
    return _csv(header, [[row.get(name) for name in header] for row in rows])


def folds_csv(study: StudyRecord) -> str:
    """Return one line a trial and epoch.

    Columns: trial, epoch, then of every score its mean over folds by its name and its value in
    each fold, such as ``accuracy_fold_0``, then training loss and learning rate.
    """
    rows: list[dict[str, Any]] = []
    columns: dict[str, None] = {}
    for trial in study.trials:
        for epoch in trial.epochs:
            row: dict[str, Any] = {}
            for name, folds in epoch.scores.items():
                row[name] = epoch.mean_of(name)
                row |= {f"{name}_fold_{index}": value for index, value in enumerate(folds)}
            columns |= dict.fromkeys(row)
            row |= {"trial": trial.number, "epoch": epoch.epoch}
            row |= {"train_loss": epoch.train_loss, "learning_rate": epoch.learning_rate}
            rows.append(row)
    header = ["trial", "epoch", *columns, "train_loss", "learning_rate"]
    return _csv(header, [[row.get(name) for name in header] for row in rows])


PREDICTED = ("image", "predicted_label", "predicted_class", "probability")  # then each class


def predictions_csv(
    names: Sequence[str],
    class_names: Sequence[str],
    probabilities: Sequence[Sequence[float]],
    unlike: Sequence[Sequence[str]] | None = None,
) -> str:
    """Return one line an image: its name, its likeliest class, then each class's probability.

    The columns of classes are called ``probability_NAME``. The last column, ``unlike``, names the
    measures in which the image is unlike those that the model was trained on; empty where none is,
    or where ``unlike`` is None.
    """
    rows: list[list[Any]] = []
    for name, row, ways in zip(names, probabilities, unlike or [()] * len(names), strict=True):
        likeliest = max(range(len(row)), key=row.__getitem__)
        shares = [round(value, 6) for value in row]
        about = [likeliest, class_names[likeliest], shares[likeliest]]
        rows.append([name, *about, *shares, " ".join(ways)])
    columns = [f"probability_{name}" for name in class_names]
    return _csv([*PREDICTED, *columns, "unlike"], rows)


def _csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([_inert(cell) for cell in row] for row in [header, *rows])
    return text.getvalue()


def _inert(cell: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula or a line's end: numbers are none."""
    if not isinstance(cell, str):
        return cell
    text = cell.replace("\r", "\\r")  # the csv module leaves it without quotes
    return f"'{text}" if text.startswith(FORMULA) else text
