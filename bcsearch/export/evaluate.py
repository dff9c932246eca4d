"""Scores a finished model on labelled images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.data.arrays import digests
from bcsearch.data.naming import all_numbers, normalised, some_of
from bcsearch.errors import DataError
from bcsearch.records.evaluation import ClassScore, Evaluation
from bcsearch.scores.metrics import accuracy, confusion_matrix, macro_f1

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.data import ImageSet
    from bcsearch.export.bundle import Bundle


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matched:
    """Labels (n,) as numbers of the model's classes; ``note`` says how, where not by name."""

    labels: np.ndarray
    note: str = ""


def evaluate(
    bundle: Bundle, images: ImageSet, numbers_are: Sequence[str] | None = None
) -> Evaluation:
    """Score a model. ``numbers_are`` names the classes of one side that has numbers only.

    Raises:
        DataError: the images have no labels, or labels that the model does not know.
    """
    matched = match_labels(images, bundle.class_names, numbers_are)
    predicted = bundle.predict(images.images).argmax(axis=1)
    scores = score_predictions(matched.labels, predicted, bundle.class_names)
    unlike = bundle.unlike(images.images)
    if unlike is not None:
        scores = replace(scores, unlike=unlike.differences)
    if not bundle.trained_on:
        return scores
    n_seen = sum(1 for digest in digests(images.images) if digest in bundle.trained_on)
    return replace(scores, n_trained_on=n_seen)


def score_predictions(
    labels: np.ndarray, predicted: np.ndarray, class_names: tuple[str, ...]
) -> Evaluation:
    """Score predicted classes (n,) against labels (n,)."""
    confusion = confusion_matrix(labels, predicted, len(class_names))
    return Evaluation(
        n_images=len(labels),
        accuracy=accuracy(confusion),
        macro_f1=macro_f1(confusion),
        per_class={name: _class_score(confusion, index) for index, name in enumerate(class_names)},
        confusion=confusion.tolist(),
    )


def _class_score(confusion: np.ndarray, index: int) -> ClassScore:
    right = confusion[index, index]
    images, predicted = confusion[index].sum(), confusion[:, index].sum()
    return ClassScore(
        images=int(images),
        precision=_share(right, predicted),
        recall=_share(right, images),
        f1=_share(2 * right, images + predicted),
    )


def _share(part: np.integer, whole: np.integer) -> float | None:
    if whole == 0:
        return None
    return float(part / whole)


def match_labels(
    images: ImageSet, class_names: tuple[str, ...], numbers_are: Sequence[str] | None = None
) -> Matched:
    """Return labels as numbers of the model's classes: by name wherever both sides have names.

    Classes without images do not count. Where only the model has names, numbers from 0 are its
    classes in their order; numbers without a 0 might count from 1, and are refused.

    Raises:
        DataError: there are no labels, or some that the model does not know, or nobody knows which
            class a number is.
    """
    if images.labels is None:
        raise DataError(
            "the images have no labels to score against; "
            "use 'bcsearch predict', or give labelled images"
        )
    present = np.unique(images.labels)
    names = images.class_names
    if names is None:
        names = tuple(map(str, range(int(present.max()) + 1)))
    known = [normalised(name) for name in class_names]
    if numbers_are is not None and all_numbers(known):
        known = _named_by(known, numbers_are)
    elif numbers_are is not None:
        names = tuple(_named_by(names, numbers_are))
    said = [normalised(names[label]) for label in present]
    if set(said) <= set(known):
        return Matched(labels=_renumbered(images.labels, present, [known.index(n) for n in said]))
    if all_numbers(said) and not all_numbers(known):
        return _by_order(images.labels, present, [int(name) for name in said], known)
    raise DataError(_strange(said, known))


def _strange(said: list[str], known: list[str]) -> str:
    first = next(name for name in said if name not in known)
    line = f"class {some_of([first])!r} is unknown to the model; allowed: {some_of(known, 8)}"
    if all_numbers(said) and known == [str(number) for number in range(len(known))]:
        return f"label {first} is unknown to the model; allowed: 0 to {len(known) - 1}"
    if all_numbers(known) and not all_numbers(said):
        line += "; its classes are numbers: name them in order with --class-names a,b,c"
    return line


def _by_order(
    labels: np.ndarray, present: np.ndarray, numbers: list[int], known: list[str]
) -> Matched:
    """Take numbers as the model's classes in their stored order."""
    first, last, n_classes = min(numbers), max(numbers), len(known)
    if first == 0 and last >= n_classes:
        raise DataError(f"label {last} is unknown to the model; allowed: 0 to {n_classes - 1}")
    if first > 0:
        raise DataError(
            f"labels are numbers from {first} to {last}, the model's classes have names "
            f"({some_of(known)}): nobody knows whether they count from 0 or 1; name the classes "
            "of the numbers 0, 1, 2 ... with --class-names a,b,c"
        )
    note = (
        f"labels are numbers and were taken in the model's order: 0 is {known[0]!r}, "
        f"{n_classes - 1} is {known[-1]!r}; --class-names a,b,c names another"
    )
    return Matched(labels=_renumbered(labels, present, numbers), note=note)


def _renumbered(labels: np.ndarray, present: np.ndarray, wanted: list[int]) -> np.ndarray:
    renumbered: np.ndarray = np.array(wanted)[np.searchsorted(present, labels)]
    return renumbered


def _named_by(numbers: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the names of numbers. Raises DataError where there is none."""
    for number in numbers:
        if not number.isdigit() or int(number) >= len(names):
            raise DataError(
                f"--class-names names {len(names)} classes, from 0 to {len(names) - 1}; "
                f"there is also {some_of([number])}"
            )
    return [normalised(names[int(number)]) for number in numbers]
