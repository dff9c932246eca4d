from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bcsearch.data import Dataset
from bcsearch.data.folds import FoldKind, Folds, fresh_folds, make_folds
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence


def labelled(counts: Sequence[int], groups: np.ndarray | None = None) -> Dataset:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    names = tuple("abcdefgh"[: len(counts)])
    images = np.zeros((len(labels), 1, 1, 3), np.uint8)
    return Dataset(
        images=images, labels=labels, class_names=names, groups=groups, source="cells.npz"
    )


def grouped(counts: Sequence[int], n_groups: int) -> Dataset:
    return labelled(counts, np.random.default_rng(1).integers(0, n_groups, sum(counts)))


PLAIN = labelled((40, 90, 201))
GROUPED = grouped((40, 90, 201), 60)
WAYS: list[tuple[Dataset, FoldKind, int]] = [
    (PLAIN, "kfold", 5),
    (PLAIN, "kfold", 2),
    (PLAIN, "split", 1),
    (GROUPED, "kfold", 5),
    (GROUPED, "split", 1),
    (labelled((5, 90)), "kfold", 5),
]
every_way = pytest.mark.parametrize(("dataset", "kind", "n_folds"), WAYS)


def parts_of(made: Folds) -> list[np.ndarray]:
    parts = [made.test]
    for fold in made.folds:
        parts += [fold.train, fold.valid]
    return parts


@every_way
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_fold_covers_all_rows_and_no_row_twice(
    dataset: Dataset, kind: FoldKind, n_folds: int, seed: int
) -> None:
    made = make_folds(dataset, kind=kind, n_folds=n_folds, seed=seed)
    assert made.n_folds == n_folds
    assert [fold.index for fold in made.folds] == list(range(n_folds))
    for fold in made.folds:
        rows = np.concatenate([fold.train, fold.valid, made.test])
        assert sorted(rows.tolist()) == list(range(dataset.n_images))


@every_way
def test_rows_are_sorted_int64(dataset: Dataset, kind: FoldKind, n_folds: int) -> None:
    for rows in parts_of(make_folds(dataset, kind=kind, n_folds=n_folds)):
        assert rows.dtype == np.int64
        assert (np.diff(rows) > 0).all()


@pytest.mark.parametrize("dataset", [PLAIN, GROUPED])
def test_kfold_validates_every_row_once(dataset: Dataset) -> None:
    made = make_folds(dataset)
    rows = np.concatenate([fold.valid for fold in made.folds])
    assert sorted(rows.tolist()) == list(range(dataset.n_images))
    assert not len(made.test)


def test_classes_keep_their_shares() -> None:
    shares = np.array(PLAIN.class_counts)
    for fold in make_folds(PLAIN).folds:
        counts = np.bincount(PLAIN.labels[fold.valid])
        assert np.abs(counts - shares / 5).max() <= 1


def test_split_is_70_20_10_in_every_class() -> None:
    made = make_folds(PLAIN, kind="split")
    for rows, share in ((made.folds[0].train, 0.7), (made.folds[0].valid, 0.2), (made.test, 0.1)):
        counts = np.bincount(PLAIN.labels[rows])
        assert np.abs(counts - share * np.array(PLAIN.class_counts)).max() <= 2


def test_split_of_groups_is_near_70_20_10() -> None:
    made = make_folds(GROUPED, kind="split")
    sizes = (
        np.array([len(made.folds[0].train), len(made.folds[0].valid), len(made.test)])
        / GROUPED.n_images
    )
    assert sizes == pytest.approx([0.7, 0.2, 0.1], abs=0.04)


@pytest.mark.parametrize("kind", ["kfold", "split"])
@pytest.mark.parametrize("seed", range(5))
def test_groups_are_never_split(kind: FoldKind, seed: int) -> None:
    made = make_folds(GROUPED, kind=kind, seed=seed)
    groups = GROUPED.groups
    assert groups is not None
    for fold in made.folds:
        train, valid, test = (
            set(groups[rows].tolist()) for rows in (fold.train, fold.valid, made.test)
        )
        assert train.isdisjoint(valid)
        assert train.isdisjoint(test)
        assert valid.isdisjoint(test)


@pytest.mark.parametrize("kind", ["kfold", "split"])
def test_a_large_group_among_single_images_leaves_parts_equal(kind: FoldKind) -> None:
    counts = (276, 744, 372, 684, 292, 364, 856, 600)
    groups = np.arange(sum(counts))
    labels = labelled(counts).labels
    for number in range(8):  # one group of 160 images, 20 of every class
        groups[np.flatnonzero(labels == number)[:20]] = -1
    dataset = labelled(counts, groups)
    start = perf_counter()
    made = make_folds(dataset, kind=kind)
    assert perf_counter() - start < 1
    for fold in made.folds:
        share = len(fold.valid) / dataset.n_images
        found = np.bincount(dataset.labels[fold.valid])
        assert share == pytest.approx(0.2, abs=0.001)
        assert np.abs(found - np.array(counts) * share).max() <= 2


@every_way
def test_same_seed_gives_the_same_folds_and_another_seed_others(
    dataset: Dataset, kind: FoldKind, n_folds: int
) -> None:
    first, again, other = (
        make_folds(dataset, kind=kind, n_folds=n_folds, seed=seed) for seed in (3, 3, 4)
    )
    assert first.fingerprint == again.fingerprint
    assert first.fingerprint != other.fingerprint


def test_fingerprint_tells_kinds_and_numbers_of_folds_apart() -> None:
    made = [make_folds(PLAIN), make_folds(PLAIN, n_folds=4), make_folds(PLAIN, kind="split")]
    assert len({folds.fingerprint for folds in made}) == 3


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["kfold", "split"])
def test_same_seed_gives_the_same_folds_in_another_process(kind: FoldKind) -> None:
    groups = [] if GROUPED.groups is None else GROUPED.groups.tolist()
    code = f"""
import numpy as np
from bcsearch.data import Dataset
from bcsearch.data.folds import make_folds
labels, groups = np.array({GROUPED.labels.tolist()}), np.array({groups})
images = np.zeros((len(labels), 1, 1, 3), np.uint8)
for each in (groups, None):
    dataset = Dataset(images=images, labels=labels, class_names=("a", "b", "c"), groups=each)
    print(make_folds(dataset, kind={kind!r}, seed=11).fingerprint)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = [make_folds(dataset, kind=kind, seed=11).fingerprint for dataset in (GROUPED, PLAIN)]
    assert done.stdout.split() == here


TOO_SMALL: dict[str, tuple[Dataset, FoldKind, int, tuple[str, ...]]] = {
    "rare class": (
        labelled((40, 4)),
        "kfold",
        5,
        ("class 'b' has 4 images", "5 folds", "fewer folds"),
    ),
    "one image of a class": (
        labelled((40, 1)),
        "kfold",
        2,
        ("class 'b' has 1 image, fewer than the 2", "leave the class out"),
    ),
    "rare class in a split": (
        labelled((40, 9)),
        "split",
        1,
        ("class 'b' has 9 images", "70/20/10"),
    ),
    "few groups": (grouped((40, 40), 4), "kfold", 5, ("class 'a' has 4 groups", "5 folds")),
    "few groups in a split": (
        grouped((80, 80), 9),
        "split",
        1,
        ("class 'a' has 9 groups", "70/20/10"),
    ),
    "one fold": (PLAIN, "kfold", 1, ("1 folds", "allowed: 2 folds or more")),
    "fold of minus one": (PLAIN, "kfold", -1, ("-1 folds", "allowed: 2 folds or more")),
}


@pytest.mark.parametrize("case", TOO_SMALL)
def test_too_little_for_the_folds_is_one_line_naming_the_class(case: str) -> None:
    dataset, kind, n_folds, words = TOO_SMALL[case]
    with pytest.raises(DataError) as caught:
        make_folds(dataset, kind=kind, n_folds=n_folds)
    line = str(caught.value)
    assert "\n" not in line
    for word in words:
        assert word in line


@pytest.mark.parametrize("seed", range(20))
def test_every_fold_trains_on_every_class_or_is_refused(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dataset = labelled((12, 30, 60), rng.zipf(1.4, 102) % 17)
    try:
        made = make_folds(dataset, n_folds=3, seed=seed)
    except DataError:
        return
    for fold in made.folds:
        assert set(dataset.labels[fold.train].tolist()) == {0, 1, 2}
        assert len(fold.valid)


@every_way
def test_rows_that_are_left_out_are_in_no_part(
    dataset: Dataset, kind: FoldKind, n_folds: int
) -> None:
    excluded = np.zeros(dataset.n_images, bool)
    excluded[np.flatnonzero(dataset.labels == dataset.n_classes - 1)[::7]] = True
    made = make_folds(replace(dataset, excluded=excluded), kind=kind, n_folds=n_folds)
    np.testing.assert_array_equal(made.excluded, np.flatnonzero(excluded))
    for fold in made.folds:
        rows = np.concatenate([fold.train, fold.valid, made.test])
        np.testing.assert_array_equal(np.sort(rows), np.flatnonzero(~excluded))
    np.testing.assert_array_equal(made.apart, np.union1d(made.test, made.excluded))


def test_class_that_is_left_out_whole_is_refused() -> None:
    with pytest.raises(DataError, match="no images of class 0"):
        replace(PLAIN, excluded=PLAIN.labels == 0)


def test_validation_part_that_is_left_out_whole_is_refused() -> None:
    valid = np.zeros(PLAIN.n_images, bool)
    valid[::9] = True
    given = make_folds(replace(PLAIN, valid=valid, excluded=~valid & (PLAIN.labels == 2)[::-1]))
    np.testing.assert_array_equal(given.folds[0].valid, np.flatnonzero(valid))
    with pytest.raises(DataError, match="all images of the validation part are left out"):
        make_folds(replace(PLAIN, valid=valid, excluded=valid))


@every_way
def test_fresh_folds_are_others_of_the_same_sizes_and_keep_the_test_part(
    dataset: Dataset, kind: FoldKind, n_folds: int
) -> None:
    excluded = np.zeros(dataset.n_images, bool)
    excluded[np.flatnonzero(dataset.labels == 1)[:10]] = True
    dataset = replace(dataset, excluded=excluded)
    made = make_folds(dataset, kind=kind, n_folds=n_folds)
    fresh = fresh_folds(dataset, made, seed=5)
    np.testing.assert_array_equal(fresh.test, made.test)
    np.testing.assert_array_equal(fresh.apart, made.apart)
    assert (fresh.n_folds, fresh.kind) == (made.n_folds, kind)
    for fold, before in zip(fresh.folds, made.folds, strict=True):
        rows = np.sort(np.concatenate([fold.train, fold.valid]))
        np.testing.assert_array_equal(rows, np.setdiff1d(np.arange(dataset.n_images), made.apart))
        assert len(fold.valid) == pytest.approx(len(before.valid), rel=0.4)
        assert not np.array_equal(fold.valid, before.valid)
        if dataset.groups is not None:
            assert not set(dataset.groups[fold.train]) & set(dataset.groups[fold.valid])


def test_folds_of_the_data_itself_stay() -> None:
    valid = np.zeros(PLAIN.n_images, bool)
    valid[::4] = True
    dataset = replace(PLAIN, valid=valid)
    made = make_folds(dataset)
    assert fresh_folds(dataset, made, seed=5) is made
