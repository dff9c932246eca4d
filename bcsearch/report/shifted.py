"""What the best trials of a study score on shifted images, as a few lines."""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING

from bcsearch.records.ending import Gain
from bcsearch.report.columns import spread_text

if TYPE_CHECKING:
    from bcsearch.records import StudyRecord


def shifted_lines(study: StudyRecord) -> list[str]:
    """Return the scores on shifted images of a study that ranks by clean ones.

    A second line says so where another trial than the best one holds better there, by more than the
    noise over folds.
    """
    if not study.shifted or study.best is None:
        return []
    by_score = sorted(study.shifted.items(), key=lambda item: -mean(item[1]))
    told = ", ".join(f"trial {number} {spread_text(folds)}" for number, folds in by_score)
    lines = [f"{study.score}@shift (ranks models, is no estimate): {told}"]
    ours = study.shifted.get(study.best.number)
    number, theirs = by_score[0]
    if ours is None or number == study.best.number:
        return lines
    gain = Gain.of("", [other - own for other, own in zip(theirs, ours, strict=True)])
    if gain.wins and len(ours) > 1:
        lines.append(
            f"trial {number} holds better on shifted images than trial {study.best.number}, by "
            f"{gain.mean:.4f} ± {gain.noise:.4f}; 'bcsearch refit --trial {number}' makes its model"
        )
    return lines
