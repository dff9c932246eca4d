"""Cuts a dataset into stratified folds that never split a group. Imports numpy, scikit-learn and this floor."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from bcsearch.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bcsearch.data.dataset import Dataset

FoldKind = Literal["kfold", "split"]
TENTHS = 10  # a split is ten stratified parts: one to test, two to validate, seven to train


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fold:
    """One fold, counted from zero: sorted int64 row numbers to train and to validate on; no row is in both."""

    index: int
    train: NDArray[np.int64]
    valid: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Folds:
    """All folds of a study and the rows put aside to test on: none with ``kfold``, a tenth with ``split``."""

    folds: tuple[Fold, ...]
    test: NDArray[np.int64]
    kind: FoldKind
    seed: int

    @property
    def n_folds(self) -> int:
        """The number of folds; 1 for a split."""
        return len(self.folds)

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits, equal exactly when all folds and the test rows are equal."""
        digest = blake2b(digest_size=8)
        for rows in (
            self.test,
            *(rows for fold in self.folds for rows in (fold.train, fold.valid)),
        ):
            digest.update(len(rows).to_bytes(8, "little"))
            digest.update(rows.astype("<i8").tobytes())
        return digest.hexdigest()


def make_folds(
    dataset: Dataset, *, kind: FoldKind = "kfold", n_folds: int = 5, seed: int = 0
) -> Folds:
    """Cut a dataset into folds, the same for the same seed everywhere.

    Args:
        dataset: its labels are stratified; its groups, if any, stay whole.
        kind: ``kfold`` validates every image once; ``split`` is one fold of 70 % to train and 20 % to validate on,
            with 10 % put aside to test on, taken as whole tenths of the data.
        n_folds: how many folds ``kfold`` makes, two or more; a ``split`` has one, whatever is given.
        seed: shuffles the images of each class, or the groups.

    Raises:
        DataError: a class has too few images or groups, or the groups leave a class out of a part.
    """
    n_parts = n_folds if kind == "kfold" else TENTHS
    _check_counts(dataset, n_parts, f"{n_folds} folds" if kind == "kfold" else "a 70/20/10 split")
    part = _cut(dataset, n_parts, seed)
    if kind == "kfold":
        folds = tuple(_fold(index, part != index, part == index) for index in range(n_folds))
    else:
        folds = (_fold(0, part > 2, (part == 1) | (part == 2)),)
    test = np.flatnonzero(part == 0) if kind == "split" else np.empty(0, np.int64)
    made = Folds(folds=folds, test=test, kind=kind, seed=seed)
    _check_parts(dataset, made)
    return made


def _fold(index: int, train: NDArray[np.bool_], valid: NDArray[np.bool_]) -> Fold:
    return Fold(index=index, train=np.flatnonzero(train), valid=np.flatnonzero(valid))


def _cut(dataset: Dataset, n_parts: int, seed: int) -> NDArray[np.int64]:
    """Return the part that every image falls into, from 0 to n_parts - 1; groups stay whole."""
    splitter = StratifiedKFold if dataset.groups is None else StratifiedGroupKFold
    cuts = splitter(n_splits=n_parts, shuffle=True, random_state=seed)
    part = np.empty(dataset.n_images, np.int64)
    for index, (_, rows) in enumerate(
        cuts.split(np.zeros(dataset.n_images), dataset.labels, dataset.groups)
    ):
        part[rows] = index
    return part


def _check_counts(dataset: Dataset, n_parts: int, wanted: str) -> None:
    """Refuse fewer than two parts, and a class that cannot be in every part."""
    if n_parts < 2:
        raise DataError(f"{wanted} cannot be made; allowed: 2 folds or more, or a 70/20/10 split")
    units = "images" if dataset.groups is None else "groups"
    for number, name in enumerate(dataset.class_names):
        mine = dataset.labels == number
        count = int(mine.sum()) if dataset.groups is None else len(np.unique(dataset.groups[mine]))
        if count < n_parts:
            raise DataError(
                f"{dataset.source}: class {name!r} has {count} {units}, fewer than the {n_parts} that {wanted} need; "
                f"add {units}, ask for fewer folds or leave the class out"
            )


def _check_parts(dataset: Dataset, made: Folds) -> None:
    """Refuse folds in which groups so uneven leave a part empty, or a class with nothing to train on."""
    empty = any(not len(fold.valid) for fold in made.folds) or (
        made.kind == "split" and not len(made.test)
    )
    trained = [
        np.bincount(dataset.labels[fold.train], minlength=dataset.n_classes) for fold in made.folds
    ]
    scarce = int(np.min(trained, axis=0).argmin())
    if empty or np.min(trained) == 0:
        lack = (
            "a part without images"
            if empty
            else f"no images of class {dataset.class_names[scarce]!r} to train on"
        )
        raise DataError(
            f"{dataset.source}: groups stay whole and are so uneven that a fold has {lack}; "
            f"ask for fewer folds or make smaller groups"
        )
