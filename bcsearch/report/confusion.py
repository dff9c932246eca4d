"""Confusion matrices: counted from out-of-fold probabilities, drawn as a part of an SVG.

Imports numpy, metrics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from bcsearch.report.svg import LETTER, plain, shortened, turned, width_of, words
from bcsearch.scores.metrics import confusion_matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

LABEL_SIZE, CROWDED_SIZE = 12, 10  # pixels, of class names: of few classes, of many
CROWD = 20  # classes from which on there are many
LABEL_WIDTH = 150  # pixels, of a class name at most
PALEST, DARKEST = (
    (246, 249, 253),
    (23, 74, 140),
)  # red, green, blue of a share just above 0, and of 1
WHITE_ON = 0.5  # share from which on counts are white


def count_out_of_fold(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Count images by true class (row) and predicted class (column), (n_classes, n_classes) int64.

    Of probabilities (n_images, n_classes), rows that are not a number were never validated and are
    left out.
    """
    known = ~np.isnan(probabilities).any(axis=1)
    return confusion_matrix(
        labels[known], probabilities[known].argmax(axis=1), probabilities.shape[1]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Class names as they are written along a matrix of ``side`` pixels, and the pixels that they take."""

    names: tuple[str, ...]
    size: float  # of the font
    side: float

    @classmethod
    def along(cls, class_names: Sequence[str], side: float) -> Self:
        """Shorten class names to what fits."""
        size = LABEL_SIZE if len(class_names) <= CROWD else CROWDED_SIZE
        names = tuple(shortened(plain(name), LABEL_WIDTH, size) for name in class_names)
        return cls(names=names, size=size, side=side)

    @property
    def cell(self) -> float:
        """Side of a cell of the matrix."""
        return self.side / len(self.names)

    @property
    def width(self) -> float:
        """Left of the matrix, without the name of the axis."""
        return max(width_of(name, self.size) for name in self.names) + 10

    @property
    def across(self) -> bool:
        """Whether they fit below the matrix without being turned."""
        return self.width < self.cell + 6

    @property
    def height(self) -> float:
        """Below the matrix, with the name of the axis."""
        return 40 if self.across else 0.66 * self.width + 44


def matrix_svg(confusion: np.ndarray, labels: Labels, left: float, top: float) -> str:
    """Return a square matrix, true classes in rows, shaded by share of the row.

    Class names stand left and below.
    """
    cell = labels.cell
    shares = confusion / np.maximum(1, confusion.sum(axis=1, keepdims=True))
    rows, columns = np.nonzero(confusion)
    size = min(13.0, 0.62 * cell, 0.84 * cell / (LETTER * len(str(confusion.max()))))
    parts = [f'<g style="font-size:{size:.1f}px" class="counts">']
    each = (rows, columns, confusion[rows, columns], shares[rows, columns])
    found = zip(*(values.tolist() for values in each), strict=True)
    for row, column, count, share in found:
        x, y = left + column * cell, top + row * cell
        parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{cell:.2f}" height="{cell:.2f}" fill="{_shade(share)}"/>'
        )
        style = "pale" if share > WHITE_ON else ""
        parts.append(words(x + cell / 2, y + cell / 2 + 0.35 * size, str(count), style))
    parts.append(f'</g><path class="cells" d="{_grid(left, top, labels)}"/>')
    return "".join([*parts, _names(labels, left, top)])


def _names(labels: Labels, left: float, top: float) -> str:
    side, size = labels.side, labels.size
    parts = [f'<g style="font-size:{size}px">']
    for index, name in enumerate(labels.names):
        middle = (index + 0.5) * labels.cell
        x, y = left + middle, top + side
        parts.append(words(left - 6, top + middle + 0.35 * size, name, "right"))
        below = (
            words(x, y + 16, name, "middle")
            if labels.across
            else turned(x + 4, y + 12, name, "right", -45)
        )
        parts.append(below)
    columns = words(
        left + side / 2, top + side + labels.height - 6, "predicted class", "middle axis-name"
    )
    rows = turned(left - labels.width - 8, top + side / 2, "true class", "middle axis-name", -90)
    return "".join([*parts, "</g>", columns, rows])


def _shade(share: float) -> str:
    red, green, blue = (
        round(pale + share * (dark - pale)) for pale, dark in zip(PALEST, DARKEST, strict=True)
    )
    return f"#{red:02x}{green:02x}{blue:02x}"


def _grid(left: float, top: float, labels: Labels) -> str:
    places = [index * labels.cell for index in range(len(labels.names) + 1)]
    across = [f"M{left:.1f} {top + place:.1f}h{labels.side:.1f}" for place in places]
    down = [f"M{left + place:.1f} {top:.1f}v{labels.side:.1f}" for place in places]
    return "".join([*across, *down])
