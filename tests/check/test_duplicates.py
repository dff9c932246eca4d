from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bcsearch.data import Dataset
from bcsearch.data.folds import make_folds

pytestmark = pytest.mark.slow


def dataset_of(images: np.ndarray, labels: np.ndarray, groups: np.ndarray | None = None) -> Dataset:
    return Dataset(images=images, labels=labels, class_names=("a", "b"), groups=groups)


def with_copies(n: int = 40) -> np.ndarray:
    """Return images of which rows 3, 7 and 20 are the same, and rows 5 and 6."""
    images = np.random.default_rng(0).integers(0, 256, (n, 8, 8, 3), np.uint8)
    images[7] = images[20] = images[3]
    images[6] = images[5]
    return images


def test_exact_copies_are_one_group_that_no_fold_splits() -> None:
    from bcsearch.check.duplicates import check_dataset

    labels = np.arange(40) % 2
    checked = check_dataset(dataset_of(with_copies(), labels))
    groups = checked.dataset.groups
    assert groups is not None
    assert groups[3] == groups[7] == groups[20]
    assert groups[5] == groups[6]
    assert len(np.unique(groups)) == 37
    (finding,) = checked.findings
    assert finding.startswith("5 images are exact copies of one another, in 2 groups, 2 of them")
    for fold in make_folds(checked.dataset, n_folds=4).folds:
        assert not set(groups[fold.train]) & set(groups[fold.valid])


def test_copies_on_both_sides_of_a_given_split_are_told() -> None:
    from bcsearch.check.duplicates import exact_duplicates

    dataset = dataset_of(with_copies(), np.arange(40) % 2)
    (line,) = exact_duplicates(dataset).findings
    assert "no fold splits a group" in line
    valid = np.zeros(40, bool)
    valid[:10] = True
    groups = exact_duplicates(dataset).groups
    assert groups is not None
    n_leaked = sum(group in groups[10:] for group in groups[:10])
    assert n_leaked
    found = exact_duplicates(replace(dataset, valid=valid)).findings
    assert not any("no fold splits" in line for line in found)
    assert f"{n_leaked} of 10 validation images are copies of training images" in found[1]


def test_copies_that_are_left_out_are_none() -> None:
    from bcsearch.check.duplicates import check_dataset

    excluded = np.zeros(40, bool)
    excluded[[7, 20, 5, 39]] = True
    dataset = replace(dataset_of(with_copies(), np.arange(40) % 2), excluded=excluded)
    assert check_dataset(dataset).findings == ()


def test_without_copies_nothing_is_found_and_no_groups_are_made() -> None:
    from bcsearch.check.duplicates import check_dataset

    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), np.uint8)
    checked = check_dataset(dataset_of(images, np.arange(20) % 2))
    assert checked.findings == ()
    assert checked.dataset.groups is None


def test_groups_of_the_dataset_are_joined_with_those_of_copies() -> None:
    from bcsearch.check.duplicates import check_dataset

    own = np.array([f"patient {row // 2}" for row in range(40)])
    checked = check_dataset(dataset_of(with_copies(), np.arange(40) % 2, own))
    groups = checked.dataset.groups
    assert groups is not None
    assert (
        len({groups[row] for row in (2, 3, 6, 7, 20, 21, 4, 5)}) == 1
    )  # 6 and 7 are of one patient
    assert groups[0] == groups[1] != groups[8]


def test_joined_groups_are_the_finest_that_hold_all() -> None:
    from bcsearch.check.duplicates import joined

    first = np.array([0, 0, 1, 2, 3, 3])
    second = np.array([0, 1, 1, 2, 3, 4])
    np.testing.assert_array_equal(joined([first, second]), [0, 0, 0, 1, 2, 2])
