"""A trial as one figure: its learning curves beside its confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, filterwarnings

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bcsearch.scores.metrics import confusion_matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from bcsearch.artifacts.files import Labels
    from bcsearch.records import EpochScores, TrialState

LONGEST_NAME = 24  # letters of a class name


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrialCurves:
    """What the figure of a trial shows.

    Attributes:
        title: the trial and how it ended.
        score: the name of the score on the vertical axis.
        folds: the score of every fold, (n_folds, n_epochs) float64; NaN where it was not finite.
        mean: over folds, (n_epochs,) float64.
        best: the epoch, counted from 0, of the highest mean; None where none is finite.
        class_names: in the order of the labels, cut to what fits.
        confusion: images by true class (row) and predicted class (column), (n_classes, n_classes)
            int64, out of fold; None where no predictions are kept.
    """

    title: str
    score: str
    folds: np.ndarray
    mean: np.ndarray
    best: int | None
    class_names: tuple[str, ...]
    confusion: np.ndarray | None


def trial_curves(
    number: int,
    state: TrialState,
    epochs: Sequence[EpochScores],
    labels: Labels | None,
    out_of_fold: np.ndarray | None,
) -> TrialCurves:
    """Compute what the figure of a trial shows.

    Args:
        number: of the trial.
        state: how it ended.
        epochs: that it trained.
        labels: of all images; None where they are not kept.
        out_of_fold: probabilities, (n_images, n_classes); NaN in rows that were never validated;
            None where they are not kept.
    """
    score = ""
    if epochs:
        score = epochs[0].score
    folds = _finite([each.fold_scores for each in epochs]).T
    mean = _finite([each.mean for each in epochs])
    title = f"Trial {number}: {state} after {len(epochs)} epochs"
    best = None
    if np.isfinite(mean).any():
        best = int(np.nanargmax(mean))
        title += f", best {score} {mean[best]:.4f} at epoch {best}"
    class_names: tuple[str, ...] = ()
    confusion = None
    if labels is not None and out_of_fold is not None:
        class_names = tuple(_shown(name) for name in labels.class_names)
        confusion = count_out_of_fold(labels.of_images, out_of_fold)
    return TrialCurves(
        title=title,
        score=score,
        folds=folds,
        mean=mean,
        best=best,
        class_names=class_names,
        confusion=confusion,
    )


def count_out_of_fold(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Count images by true (row) and predicted class (column), (n_classes, n_classes) int64.

    Rows of probabilities (n_images, n_classes) that hold NaN were never validated and are left out.
    """
    known = ~np.isnan(probabilities).any(axis=1)
    predicted = probabilities[known].argmax(axis=1)
    return confusion_matrix(labels[known], predicted, probabilities.shape[1])


def draw_trial(curves: TrialCurves) -> bytes:
    """Draw a trial as an SVG file, 800 pixels wide, that needs no other file.

    Text stays text, so that who opens the file sees class names in any script in fonts of their
    own; Matplotlib only has to guess how wide letters are that its fonts lack.
    """
    with rc_context({"svg.fonttype": "none"}), catch_warnings():
        filterwarnings("ignore", message="Glyph .* missing from font")
        return _draw(curves)


def _draw(curves: TrialCurves) -> bytes:
    height = max(4.4, 1.6 + 0.22 * len(curves.class_names))
    figure = Figure(figsize=(800 / 72 * 0.75, height), layout="constrained")
    figure.suptitle(curves.title, fontsize=11, parse_math=False)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.3))
    _draw_curves(left, curves)
    _draw_confusion(right, curves)
    file = BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def _draw_curves(axes: Axes, curves: TrialCurves) -> None:
    if len(curves.folds) > 1:
        lines = axes.plot(curves.folds.T, ".-", color="#8fb0da", linewidth=1)
        lines[0].set_label("fold")
    axes.plot(curves.mean, ".-", color="#174a8c", linewidth=2.5, label="mean")
    if curves.best is not None:
        height = curves.mean[curves.best]
        (mark,) = axes.plot(curves.best, height, "o", color="#d1495b", markersize=8, label="best")
        mark.set_markerfacecolor("white")
    axes.set_xlabel("epoch, counted from 0")
    axes.set_ylabel(curves.score, parse_math=False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color="#e6e6e6")
    axes.legend(loc="lower right", fontsize=8)


def _draw_confusion(axes: Axes, curves: TrialCurves) -> None:
    confusion, names = curves.confusion, curves.class_names
    if confusion is None:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no predictions are kept of this trial", ha="center", color="#666")
        return
    size = min(9.0, 130 / len(names))
    shares = confusion / np.maximum(1, confusion.sum(axis=1, keepdims=True))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(confusion):
        color = "#333"
        if shares[row, column] > 0.5:
            color = "white"
        count = str(confusion[row, column])
        axes.text(column, row, count, ha="center", va="center", color=color, fontsize=size)
    places = range(len(names))
    style: dict[str, Any] = {"fontsize": size, "parse_math": False}
    axes.set_yticks(places, names, **style)
    axes.set_xticks(places, names, **style, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    right, total = int(confusion.trace()), int(confusion.sum())
    axes.set_title(f"{right:,} of {total:,} images right, out of fold", fontsize=9)


def _finite(values: Sequence[float] | Sequence[Sequence[float]]) -> np.ndarray:
    """Return values with NaN in place of what is not finite."""
    array = np.array(values, dtype=float)
    return np.where(np.isfinite(array), array, np.nan)


def _shown(name: str) -> str:
    """Return a class name without characters that cannot be drawn, cut to what fits."""
    for letter in name:
        if not letter.isprintable():
            name = name.replace(letter, "?")
    if len(name) > LONGEST_NAME:
        return name[: LONGEST_NAME - 1] + "\u2026"
    return name
