"""Asks how well what is no content, such as the corners, tells the class."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bcsearch.check.found import Found

if TYPE_CHECKING:
    from collections.abc import Callable

    from bcsearch.check.looked import Looked
    from bcsearch.data.dataset import Dataset

MOST_IMAGES = 4000  # that are looked at, drawn at random
N_FOLDS = 3
MUCH = 0.15  # of accuracy above always saying the largest class
CORNER = 1 / 8  # of the height and width


def corners(images: np.ndarray) -> np.ndarray:
    """Return mean and spread of the colours in the four corners, (n, 24)."""
    side = max(1, round(images.shape[1] * CORNER))
    low, high = slice(0, side), slice(-side, None)
    found = []
    for rows in (low, high):
        for columns in (low, high):
            part = images[:, rows, columns].astype(np.float32)
            found += [part.mean(axis=(1, 2)), part.std(axis=(1, 2))]
    return np.concatenate(found, axis=1)


def mean_colour(images: np.ndarray) -> np.ndarray:
    """Return the mean red, green and blue, (n, 3)."""
    colours: np.ndarray = images.mean(axis=(1, 2))
    return colours


SEEN: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "corners": corners,
    "mean colour": mean_colour,
}


def shortcuts(looked: Looked) -> Found:
    """Cross-validate a linear model on what is no content: also the files' order and sizes."""
    labels = looked.dataset.labels
    counts = np.bincount(labels[looked.kept], minlength=looked.dataset.n_classes)
    rows = np.flatnonzero(looked.kept & (counts[labels] >= N_FOLDS))
    if len(rows) > MOST_IMAGES:
        rows = np.sort(np.random.default_rng(0).choice(rows, MOST_IMAGES, replace=False))
    rows = rows[np.bincount(labels[rows], minlength=len(counts))[labels[rows]] >= N_FOLDS]
    if len(np.unique(labels[rows])) < 2:
        return Found(left_out="shortcuts need three images of two classes")
    usual = float(np.bincount(labels[rows]).max() / len(rows))
    told = {}
    for name, seen in SEEN.items():
        told[name] = _accuracy(seen(looked.dataset.images[rows]), labels[rows])
    for name, values in _of_files(looked.dataset, rows).items():
        told[name] = _accuracy(values, labels[rows])
    notes = []
    for name, accuracy in told.items():
        line = f"the {name} alone: {accuracy:.1%} right (always the largest class: {usual:.1%})"
        if accuracy > usual + MUCH:
            line += f"; {MEANING.get(name, CONTENT)}"
        notes.append(line)
    return Found(notes=tuple(notes))


CONTENT = "that may be content, or stain and lamp: test on images of another source"
MEANING = {
    "place in the file": "rows are in some order of class, which no model sees",
    "order of the file names": "files were named class by class, which no model sees",
    "file size": "files of the classes were made in other ways: pixels may show that, too",
}


def _of_files(dataset: Dataset, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return what files say without their pixels, (n, n_values): their order, and their sizes.

    Of arrays the order is that of the rows; of image files that of their names without folders.
    """
    if dataset.names is None:
        return {"place in the file": _places(rows)}
    names = [dataset.names[row] for row in rows]
    stems = np.array([PurePosixPath(name).stem for name in names])
    found = {"order of the file names": _places(np.argsort(np.argsort(stems, kind="stable")))}
    folder = Path(dataset.source)
    with suppress(OSError):  # names of tables may lie elsewhere, others are written otherwise
        n_bytes = [(folder / name).stat().st_size for name in names]
        found["file size"] = np.log1p(np.array(n_bytes, np.float64))[:, np.newaxis]
    return found


def _places(numbers: np.ndarray) -> np.ndarray:
    """Return waves of numbers from 0, (n, 16), so that a linear model knows neighbours."""
    turns = np.pi * numbers[:, None] / (numbers.max() + 1) * 2.0 ** np.arange(8)
    return np.concatenate([np.sin(turns), np.cos(turns)], axis=1)


def _accuracy(values: np.ndarray, labels: np.ndarray) -> float:
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=0)
    return float(cross_val_score(model, values, labels, cv=folds).mean())
