"""Puts images aside that only the finished model is scored on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.config.sweep import OF_PIXELS, Reading
from bcsearch.data.arrays import digests
from bcsearch.data.naming import some_of
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from bcsearch.data.dataset import Dataset
    from bcsearch.data.image_set import ImageSet


def reading_of_test(reading: Reading) -> Reading:
    """Return how other images than the data are read."""
    return Reading(**reading.model_dump(include={*OF_PIXELS, "skip_damaged"}))


def with_test(dataset: Dataset, test: ImageSet | None, *, given: bool = False) -> Dataset:
    """Put images aside for the finished model, once their classes are known ones.

    Args:
        dataset: what is trained on.
        test: labelled images. None: there are none.
        given: whether they are other images than the data's own test part.

    Raises:
        DataError: they have no labels, or a class that is not trained on.
    """
    if test is None:
        return dataset
    labels = np.unique(test.require_labels())
    if test.class_names is not None:
        strange = {test.class_names[label] for label in labels} - set(dataset.class_names)
        if strange:
            raise DataError(
                f"{test.source}: the test part has classes that are not trained on: "
                f"{some_of(sorted(strange))}; known: {some_of(dataset.class_names)}"
            )
    notes = [f"the test part, {len(test.images)} images, is scored by the finished model alone"]
    if given:
        notes = [f"test: {note}" for note in test.notes]
        notes.append(f"{len(test.images)} images of --test are scored by the finished model alone")
        if dataset.test is not None:
            notes.append("the data's own test part is neither trained on nor scored")
    learned = np.array(digests(dataset.images))[dataset.kept]
    n_copies = int(np.isin(digests(test.images), learned).sum())
    if n_copies:
        notes.append(f"warning: {n_copies} test images are exact copies of training images")
    return replace(dataset, test=test, notes=(*dataset.notes, *notes))
