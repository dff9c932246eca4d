"""Learning curves as a part of an SVG: each fold, their mean, the best epoch.

Imports records and the standard library.

Colours and sizes of words are those that ``trial_figure`` names.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from bcsearch.records.scores import best_epoch
from bcsearch.report.svg import ticks, turned, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bcsearch.records import EpochScores

PIXELS_A_TICK = 34  # of an axis, at least


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where curves lie, in pixels, and the values at its sides: epochs from left to right, scores upwards."""

    left: float
    top: float
    width: float
    height: float
    epochs: Sequence[float]  # ticks
    scores: Sequence[float]  # ticks

    def x(self, epoch: float) -> float:
        """Return where an epoch lies."""
        first, last = self.epochs[0], self.epochs[-1]
        return self.left + self.width * (epoch - first) / (last - first)

    def y(self, score: float) -> float:
        """Return where a score lies."""
        low, high = self.scores[0], self.scores[-1]
        return self.top + self.height * (high - score) / (high - low)


def curves_svg(
    epochs: tuple[EpochScores, ...], left: float, top: float, width: float, height: float
) -> str:
    """Return learning curves whose axes take up the given place.

    Their words stand left of it and below.
    """
    frame = _frame(epochs, left, top, width, height)
    n_folds = max((len(scores.fold_scores) for scores in epochs), default=0)
    folds = [
        [(e.epoch, e.fold_scores[fold]) for e in epochs if fold < len(e.fold_scores)]
        for fold in range(n_folds if n_folds > 1 else 0)
    ]
    lines = [_line(frame, points, "fold") for points in folds]
    mean = _line(frame, [(scores.epoch, scores.mean) for scores in epochs], "mean")
    return "".join([_axes(frame), *lines, mean, _best(frame, epochs), _legend(frame, n_folds)])


def _frame(
    epochs: tuple[EpochScores, ...], left: float, top: float, width: float, height: float
) -> Frame:
    scores = [score for e in epochs for score in (*e.fold_scores, e.mean) if isfinite(score)] or [
        0.0,
        1.0,
    ]
    last = max((e.epoch for e in epochs), default=1)
    return Frame(
        left=left,
        top=top,
        width=width,
        height=height,
        epochs=ticks(0, max(1, last), min(8, int(width / PIXELS_A_TICK)), least_step=1),
        scores=ticks(min(scores), max(scores), int(height / PIXELS_A_TICK), least_step=0.01),
    )


def _axes(frame: Frame) -> str:
    bottom, right = frame.top + frame.height, frame.left + frame.width
    step = frame.scores[1] - frame.scores[0]
    digits = 1 if step > 0.099 else 2
    parts = []
    for score in frame.scores:
        y = frame.y(score)
        parts.append(f'<path class="grid" d="M{frame.left:.1f} {y:.1f}H{right:.1f}"/>')
        parts.append(words(frame.left - 7, y + 4, f"{score:.{digits}f}", "right"))
    for epoch in frame.epochs:
        x = frame.x(epoch)
        parts.append(f'<path class="axis" d="M{x:.1f} {bottom:.1f}v5"/>')
        parts.append(words(x, bottom + 18, f"{epoch:.0f}", "middle"))
    parts.append(
        f'<path class="axis" d="M{frame.left:.1f} {frame.top:.1f}V{bottom:.1f}H{right:.1f}"/>'
    )
    parts.append(
        words(
            frame.left + frame.width / 2, bottom + 38, "epoch, counted from 0", "middle axis-name"
        )
    )
    parts.append(
        turned(frame.left - 42, frame.top + frame.height / 2, "score", "middle axis-name", -90)
    )
    return "".join(parts)


def _line(frame: Frame, points: Iterable[tuple[float, float]], style: str) -> str:
    """Return a line through points, broken where a score is no number; a point alone is a dot."""
    steps, joined = [], False
    for epoch, score in points:
        if isfinite(score):
            place = f"{frame.x(epoch):.1f} {frame.y(score):.1f}"
            steps.append(f"L{place}" if joined else f"M{place}h0")
        joined = isfinite(score)
    return f'<path class="{style}" d="{"".join(steps)}"/>'


def _best(frame: Frame, epochs: tuple[EpochScores, ...]) -> str:
    finite = tuple(scores for scores in epochs if isfinite(scores.mean))
    if not finite:
        return ""
    best = best_epoch(finite)
    x, y = frame.x(best.epoch), frame.y(best.mean)
    drop = f'<path class="drop" d="M{x:.1f} {y:.1f}V{frame.top + frame.height:.1f}"/>'
    return f'{drop}<circle class="best" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'


def _legend(frame: Frame, n_folds: int) -> str:
    y, x = frame.top - 14, frame.left
    parts = []
    if n_folds > 1:
        parts.append(f'<path class="fold" d="M{x:.1f} {y - 4:.1f}h16"/>{words(x + 21, y, "fold")}')
        x += 56
    name = "mean" if n_folds > 1 else "score"
    parts.append(f'<path class="mean" d="M{x:.1f} {y - 4:.1f}h16"/>{words(x + 21, y, name)}')
    x += 68
    parts.append(
        f'<circle class="best" cx="{x:.1f}" cy="{y - 4:.1f}" r="4.5"/>{words(x + 9, y, "best")}'
    )
    return "".join(parts)
