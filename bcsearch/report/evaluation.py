"""Scores of a finished model as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.report.columns import aligned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.records.evaluation import Evaluation
    from bcsearch.records.likeness import Difference


def evaluation_text(found: Evaluation) -> str:
    """Return a model's scores, class by class, and its confusion matrix, true classes in rows."""
    rows = []
    for (name, scored), counts in zip(found.per_class.items(), found.confusion, strict=True):
        shares = [_share(value) for value in (scored.precision, scored.recall, scored.f1)]
        rows.append((f"  {name}", str(scored.images), *shares, "|", *map(str, counts)))
    labels = [str(index) for index in range(len(rows))]
    headings = ("  class", "images", "precision", "recall", "f1", "| predicted as class", *labels)
    numbers = {*range(1, len(headings))} - {5}
    scores = f"accuracy {found.accuracy:.4f}, macro F1 {found.macro_f1:.4f}"
    return f"{found.n_images} images: {scores}\n{aligned(rows, headings, right=numbers)}"


def seen_note(found: Evaluation) -> str:
    """Say how many of the images the model was trained on; nothing where it was on none."""
    if not found.n_trained_on:
        return ""
    return (
        f"the model was trained on {found.n_trained_on} of these {found.n_images} images: "
        "the scores are too high for images that it has not seen"
    )


def unlike_note(n_images: int, differences: Sequence[Difference] | None) -> str:
    """Say in which ways images are unlike those that a model was trained on; nothing in none.

    Where ``differences`` are None it is not known what these look like.
    """
    if differences is None:
        return (
            "nothing can be read of what the model's training images look like "
            "(training_images.npz), so it is not said whether these are like them"
        )
    if not differences:
        return ""
    told = [
        f"{each.word} ({each.measure} {each.mean:.2f}, known {each.low:.2f} to {each.high:.2f})"
        for each in differences
    ]
    these = "this image is" if n_images == 1 else f"these {n_images} images are"
    return (
        f"{these} unlike those that the model was trained on: {', '.join(told)}; "
        "what it scored on its folds says little about them"
    )


def _share(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}"
