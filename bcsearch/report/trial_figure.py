"""A trial as one SVG: its learning curves beside its confusion matrix.

Imports records and this floor's parts.

Written by hand: a trial may take less than a second, and a plotting library takes a tenth of one
for a figure.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from bcsearch.records.scores import best_epoch
from bcsearch.report.confusion import Labels, matrix_svg
from bcsearch.report.curves import curves_svg
from bcsearch.report.svg import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from bcsearch.records import EpochScores, TrialState

WIDTH = 800  # pixels
TOP, LEFT, RIGHT = (
    88,
    64,
    16,
)  # pixels around both parts; words of the curves' axis stand in the left ones
GAP = 40  # between the curves and the class names, for the name of an axis
NARROWEST, TALLEST = 170, 300  # of the curves
BELOW = 52  # the curves, for words
SMALLEST, CELL = 286, 20  # of the matrix, and of a cell of it
NO_MATRIX = "no predictions are kept of this trial"
STYLE = """
text{font:12px Helvetica,Arial,'DejaVu Sans',sans-serif;fill:#333}
.title{font-size:16px;font-weight:bold;fill:#111}.note{fill:#666}.axis-name{fill:#666}
.right{text-anchor:end}.middle{text-anchor:middle}.counts text{text-anchor:middle;font-size:inherit}
g text{font-size:inherit}.counts .pale{fill:#fff}
path{fill:none}.grid{stroke:#e6e6e6}.axis{stroke:#888}.cells{stroke:#d5dbe3;stroke-width:.6}
.fold{stroke:#8fb0da;stroke-width:1.3}.mean{stroke:#174a8c;stroke-width:3}
.fold,.mean{stroke-linecap:round;stroke-linejoin:round}
.drop{stroke:#d1495b;stroke-dasharray:3 3}.best{fill:#fff;stroke:#d1495b;stroke-width:2.5}
"""


def trial_figure(
    number: int,
    state: TrialState,
    epochs: tuple[EpochScores, ...],
    class_names: Sequence[str],
    confusion: np.ndarray | None,
) -> str:
    """Return the figure of a trial, 800 pixels wide, as the text of an SVG file that needs no other.

    ``confusion`` counts images by true class (row) and predicted class (column), (n_classes,
    n_classes) integers; None where no predictions are kept.
    """
    labels = Labels.along(class_names, _side(class_names))
    left = WIDTH - RIGHT - labels.side
    height = min(labels.side, TALLEST)
    parts = [
        f'<rect width="100%" height="100%" fill="#fff"/>{words(20, 30, f"Trial {number}", "title")}',
        words(20, 50, _headline(state, epochs), "note"),
        curves_svg(epochs, LEFT, TOP, left - labels.width - GAP - LEFT, height),
        _nothing(labels, left) if confusion is None else _matrix(confusion, labels, left),
    ]
    tall = TOP + max(labels.side + labels.height, height + BELOW)
    size = f'width="{WIDTH}" height="{tall:.0f}" viewBox="0 0 {WIDTH} {tall:.0f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{STYLE}</style>{"".join(parts)}</svg>\n'


def _side(class_names: Sequence[str]) -> float:
    room = WIDTH - LEFT - NARROWEST - GAP - RIGHT - Labels.along(class_names, 0).width
    return min(room, max(SMALLEST, CELL * len(class_names)))


def _headline(state: TrialState, epochs: tuple[EpochScores, ...]) -> str:
    finite = tuple(scores for scores in epochs if isfinite(scores.mean))
    if not finite:
        return f"{state}, {len(epochs)} epochs, no score"
    best = best_epoch(finite)
    n_epochs = "1 epoch" if len(epochs) == 1 else f"{len(epochs)} epochs"
    return f"{state} after {n_epochs}, best score {best.mean:.4f} at epoch {best.epoch}"


def _matrix(confusion: np.ndarray, labels: Labels, left: float) -> str:
    right, total = int(confusion.trace()), int(confusion.sum())
    caption = f"{right:,} of {total:,} images right, out of fold"
    return words(left, TOP - 14, caption) + matrix_svg(confusion, labels, left, TOP)


def _nothing(labels: Labels, left: float) -> str:
    start, width = left - labels.width, labels.width + labels.side
    box = f'<rect x="{start:.1f}" y="{TOP}" width="{width:.1f}" height="{labels.side:.1f}" fill="#f6f7f9"/>'
    return box + words(start + width / 2, TOP + labels.side / 2, NO_MATRIX, "middle note")
