"""Where a trial goes wrong, as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.records.choice import trial_name
from bcsearch.report.columns import aligned

if TYPE_CHECKING:
    from bcsearch.records.diagnosis import Diagnosis

MISTAKES_SHOWN = 10


def diagnosis_text(found: Diagnosis) -> str:
    """Return scores class by class with the confusion matrix, pairs, shifts, weights, mistakes."""
    rows = []
    for (name, scored), counts in zip(found.per_class.items(), found.confusion, strict=True):
        shares = [_share(value) for value in (scored.precision, scored.recall, scored.f1)]
        sure = _share(found.confidence.get(name))
        weight = f"{found.weights[name]:.2f}"
        rows.append((f"  {name}", str(scored.images), *shares, sure, weight, *map(str, counts)))
    numbers = [str(index) for index in range(len(rows))]
    headings = ("  class", "images", "precision", "recall", "f1", "confidence", "weight", *numbers)
    right = range(1, len(headings))
    lines = [
        f"study {found.study}, {trial_name(found.trial)}, {found.n_images} images out of fold: "
        f"accuracy {found.accuracy:.4f}, macro F1 {found.macro_f1:.4f}",
        aligned(rows, headings, right=right),
        "weight: a class weight by how often the class is missed; classes predicted in columns",
    ]
    if found.pairs:
        lines.append("most confused:")
        lines += [
            f"  {each.true} taken for {each.predicted}: {each.images} ({100 * each.share:.1f} %)"
            for each in found.pairs
        ]
    if found.shifted:
        told = [f"  {name} {value:.4f}" for name, value in found.shifted.items()]
        lines += ["on shifted images (for comparing, no estimate):", *told]
    else:
        lines.append("not scored on shifted images: it was not trained again at the study's end")
    if found.mistakes:
        lines.append("surest and wrong:")
        lines += [
            f"  row {each.row}: {each.true} taken for {each.predicted} "
            f"({each.probability:.2f} against {each.of_true:.2f})"
            for each in found.mistakes[:MISTAKES_SHOWN]
        ]
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
