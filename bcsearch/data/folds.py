"""Cuts a dataset into stratified folds that never split a group."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal

import numpy as np

from bcsearch.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bcsearch.data.dataset import Dataset

FoldKind = Literal["kfold", "split"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fold:
    """One fold, counted from zero, as sorted rows to train and to validate on."""

    index: int
    train: NDArray[np.int64]
    valid: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Folds:
    """All folds of a study, and the rows left to test on: none with ``kfold``."""

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
        parts = [self.test]
        for fold in self.folds:
            parts += [fold.train, fold.valid]
        for rows in parts:
            digest.update(len(rows).to_bytes(8, "little"))
            digest.update(rows.astype("<i8").tobytes())
        return digest.hexdigest()


def make_folds(
    dataset: Dataset, *, kind: FoldKind = "kfold", n_folds: int = 5, seed: int = 0
) -> Folds:
    """Cut a dataset into stratified folds that never split a group; the same seed gives the same.

    Args:
        dataset: its labels are stratified; its groups, if any, stay whole.
        kind: ``kfold`` validates every image once; ``split`` is one fold that trains on 70 %,
            validates on 20 % and leaves 10 % to test on.
        n_folds: how many folds ``kfold`` makes, two or more; a ``split`` has one.
        seed: shuffles the images, or the groups.

    Raises:
        DataError: a class has too few images or groups, or the groups leave a class out of a part.
    """
    if kind == "kfold":
        _check_counts(dataset, n_folds, f"{n_folds} folds")
        part = _deal(dataset, n_folds, seed)
        folds = tuple(_fold(index, part != index, part == index) for index in range(n_folds))
        test = np.empty(0, np.int64)
    else:
        _check_counts(dataset, 10, "a 70/20/10 split")
        part = _deal(dataset, 10, seed)
        folds = (_fold(0, part > 2, (part == 1) | (part == 2)),)
        test = np.flatnonzero(part == 0)
    _check_classes(dataset, folds)
    return Folds(folds=folds, test=test, kind=kind, seed=seed)


def _fold(index: int, train: NDArray[np.bool_], valid: NDArray[np.bool_]) -> Fold:
    return Fold(index=index, train=np.flatnonzero(train), valid=np.flatnonzero(valid))


def _units(dataset: Dataset) -> NDArray[np.int64]:
    """Return the group of every image, counted from 0; without groups, each is one of its own."""
    if dataset.groups is None:
        return np.arange(dataset.n_images)
    return np.unique(dataset.groups, return_inverse=True)[1]


def _deal(dataset: Dataset, n_parts: int, seed: int) -> NDArray[np.int64]:
    """Return the part, from 0 to n_parts - 1, of every image; groups stay whole.

    Groups are dealt from the largest to the smallest, in random order among equals, each to the
    part that holds least of its classes. Scikit-learn's StratifiedGroupKFold begins with the most
    one-sided groups, so a large group of all classes comes last and makes its part too large.
    """
    units = _units(dataset)
    counts = np.zeros((units.max() + 1, dataset.n_classes))
    np.add.at(counts, (units, dataset.labels), 1)
    sizes = counts.sum(axis=1)
    tie_break = sizes / sizes.sum() / 1000  # among parts equal in their classes, the smallest
    shares = np.column_stack([counts / counts.sum(axis=0), tie_break])
    order = np.random.default_rng(seed).permutation(len(sizes))
    held = np.zeros((n_parts, shares.shape[1]))
    part_of_unit = np.empty(len(sizes), np.int64)
    for unit in order[np.argsort(-sizes[order], kind="stable")]:
        part = np.argmin(held @ shares[unit])
        held[part] += shares[unit]
        part_of_unit[unit] = part
    return part_of_unit[units]


def _check_counts(dataset: Dataset, n_parts: int, wanted: str) -> None:
    """Refuse fewer than two parts, and a class that cannot be in every part."""
    if n_parts < 2:
        raise DataError(f"{wanted} cannot be made; allowed: 2 folds or more, or a 70/20/10 split")
    kind = "images"
    if dataset.groups is not None:
        kind = "groups"
    units = _units(dataset)
    for number, name in enumerate(dataset.class_names):
        count = len(np.unique(units[dataset.labels == number]))
        if count < n_parts:
            raise DataError(
                f"{dataset.source}: class {name!r} has {count} {kind}, fewer than the {n_parts} "
                f"that {wanted} need; add {kind}, ask for fewer folds or leave the class out"
            )


def _check_classes(dataset: Dataset, folds: Sequence[Fold]) -> None:
    """Refuse folds in which a class has nothing to train on."""
    for fold in folds:
        counts = np.bincount(dataset.labels[fold.train], minlength=dataset.n_classes)
        if not counts.all():
            name = dataset.class_names[counts.argmin()]
            raise DataError(
                f"{dataset.source}: groups stay whole and are so uneven that a fold has no images "
                f"of class {name!r} to train on; ask for fewer folds or make smaller groups"
            )
