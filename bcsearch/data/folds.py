"""Cuts a dataset into stratified folds that never split a group."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal

import numpy as np

from bcsearch.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bcsearch.config.sweep import FoldSettings
    from bcsearch.data.dataset import Dataset

FoldKind = Literal["kfold", "split", "given"]
EXCLUDED = -1  # the part of images that are in none


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fold:
    """One fold, counted from zero, as sorted rows to train and to validate on."""

    index: int
    train: NDArray[np.int64]
    valid: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Folds:
    """All folds of a study.

    ``test`` are the rows left to test on: none with ``kfold``. ``excluded`` are in no part.
    """

    folds: tuple[Fold, ...]
    test: NDArray[np.int64]
    kind: FoldKind
    seed: int
    excluded: NDArray[np.int64] = field(default_factory=lambda: np.array([], np.int64))

    @property
    def apart(self) -> NDArray[np.int64]:
        """The rows that no model is trained on, the refitted one neither."""
        return np.union1d(self.test, self.excluded)

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

    A dataset with a validation part of its own has that as its single fold, whatever is asked for.

    Args:
        dataset: its labels are stratified; its groups, if any, stay whole.
        kind: ``kfold`` validates every image once; ``split`` is one fold that trains on 70 %,
            validates on 20 % and leaves 10 % to test on.
        n_folds: how many folds ``kfold`` makes, two or more; a ``split`` has one.
        seed: shuffles the images, or the groups.

    Raises:
        DataError: a class has too few images or groups, or the groups leave a class out of a part.
    """
    if dataset.valid is not None:
        return _given(dataset, dataset.valid, seed)
    n_parts, wanted = n_folds, f"{n_folds} folds"
    if kind == "split":
        n_parts, wanted = 10, "a 70/20/10 split"
    if n_parts < 2:
        raise DataError(f"{wanted} cannot be made; allowed: 2 folds or more, or a 70/20/10 split")
    part = _deal(dataset, n_parts, wanted, seed)
    valid_parts = [[index] for index in range(n_folds)]
    test = np.array([], np.int64)
    if kind == "split":
        valid_parts = [[1, 2]]
        test = np.flatnonzero(part == 0)
        part[test] = EXCLUDED
    excluded = np.setdiff1d(np.arange(dataset.n_images), dataset.kept)
    folds = _cut(dataset, part, valid_parts)
    return Folds(folds=folds, test=test, kind=kind, seed=seed, excluded=excluded)


def fresh_folds(dataset: Dataset, folds: Folds, seed: int) -> Folds:
    """Cut the images that are trained and validated on anew; those left to test on stay.

    The folds come back as they are where the data has its own, or where groups cannot be cut so.

    Args:
        dataset: that of the folds.
        folds: the kind, the number and the sizes are theirs.
        seed: another one than theirs gives others.
    """
    if folds.kind == "given":
        return folds
    apart = np.isin(np.arange(dataset.n_images), folds.apart)
    n_parts, valid_parts = folds.n_folds, [[index] for index in range(folds.n_folds)]
    if folds.kind == "split":
        n_parts, valid_parts = 9, [[0, 1]]
    try:
        part = _deal(replace(dataset, excluded=apart), n_parts, f"{n_parts} parts", seed)
        return replace(folds, folds=_cut(dataset, part, valid_parts), seed=seed)
    except DataError:
        return folds


def _cut(
    dataset: Dataset, part: NDArray[np.int64], valid_parts: Sequence[Sequence[int]]
) -> tuple[Fold, ...]:
    """Return the folds that are validated on some parts each, of the part of every image."""
    folds = []
    for index, parts in enumerate(valid_parts):
        valid = np.flatnonzero(np.isin(part, parts))
        train = np.flatnonzero(~np.isin(part, [*parts, EXCLUDED]))
        _check_classes(dataset, train)
        folds.append(Fold(index=index, train=train, valid=valid))
    return tuple(folds)


def folds_of(dataset: Dataset, settings: FoldSettings) -> Folds:
    """Make the folds that a sweep asks for. Raises as ``make_folds``."""
    return make_folds(dataset, kind=settings.kind, n_folds=settings.n_folds, seed=settings.seed)


def why_no_folds(dataset: Dataset, settings: FoldSettings) -> tuple[str, ...]:
    """Return a warning where the folds of a sweep cannot be made; none where they can."""
    try:
        folds_of(dataset, settings)
    except DataError as error:
        return (f"warning: a run would refuse this: {error}",)
    return ()


def _given(dataset: Dataset, valid: NDArray[np.bool_], seed: int) -> Folds:
    """Return the data's own division as the single fold."""
    kept = dataset.kept
    excluded = np.setdiff1d(np.arange(dataset.n_images), kept)
    fold = Fold(index=0, train=kept[~valid[kept]], valid=kept[valid[kept]])
    counts = np.bincount(dataset.labels[fold.train], minlength=dataset.n_classes)
    if not len(fold.valid):
        raise DataError(
            f"{dataset.source}: all images of the validation part are left out; leave out fewer, "
            "or make folds with --join-val"
        )
    if not counts.all():
        raise DataError(
            f"{dataset.source}: class {dataset.class_names[counts.argmin()]!r} has images in the "
            "validation part only; add training images of it, or join the parts with --join-val"
        )
    none = np.array([], np.int64)
    return Folds(folds=(fold,), test=none, kind="given", seed=seed, excluded=excluded)


def _deal(dataset: Dataset, n_parts: int, wanted: str, seed: int) -> NDArray[np.int64]:
    """Return the part of every image, from 0 to n_parts - 1, or ``EXCLUDED``; groups stay whole.

    Groups are dealt from the largest to the smallest, in random order among equals, each to the
    part that holds least of its classes. Scikit-learn's StratifiedGroupKFold begins with the most
    one-sided groups, so a large group of all classes comes last and makes its part too large.
    """
    kind, groups = "groups", dataset.groups
    if groups is None:
        kind, groups = "images", np.arange(dataset.n_images)
    kept = dataset.kept
    names, units = np.unique(groups[kept], return_inverse=True)
    counts = np.zeros((len(names), dataset.n_classes))
    np.add.at(counts, (units, dataset.labels[kept]), 1)
    for name, count in zip(dataset.class_names, np.count_nonzero(counts, axis=0), strict=True):
        if count < n_parts:
            kind = kind if count != 1 else kind[:-1]
            raise DataError(
                f"{dataset.source}: class {name!r} has {count} {kind}, fewer than the {n_parts} "
                f"that {wanted} need; add some, ask for fewer folds or leave the class out"
            )
    sizes = counts.sum(axis=1)
    tie_break = sizes / sizes.sum() / 1000  # among parts equal in their classes, the smallest
    shares = np.column_stack([counts / counts.sum(axis=0), tie_break])
    held = np.zeros((n_parts, shares.shape[1]))
    part = np.empty(len(names), np.int64)
    order = np.random.default_rng(seed).permutation(len(names))
    for unit in order[np.argsort(-sizes[order], kind="stable")]:
        part[unit] = np.argmin(held @ shares[unit])
        held[part[unit]] += shares[unit]
    parts = np.full(dataset.n_images, EXCLUDED)
    parts[kept] = part[units]
    return parts


def _check_classes(dataset: Dataset, train: NDArray[np.int64]) -> None:
    """Refuse a fold in which a class has nothing to train on."""
    counts = np.bincount(dataset.labels[train], minlength=dataset.n_classes)
    if not counts.all():
        name = dataset.class_names[counts.argmin()]
        raise DataError(
            f"{dataset.source}: groups stay whole and are so uneven that a fold has no images of "
            f"class {name!r} to train on; ask for fewer folds or make smaller groups"
        )
