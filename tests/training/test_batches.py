from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from bcsearch.recipe import Params
from bcsearch.training.batches import Batches, padded, view_of
from bcsearch.training.task import Task

ROWS = [np.arange(0, 20), np.arange(20, 37), np.arange(37, 40)]  # folds of 20, 17 and 3 rows


def batches(*folds: np.ndarray, batch_size: int = 8, seed: int = 0) -> Batches:
    return Batches(train_rows=folds, batch_size=batch_size, seed=seed)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 8, 64])
@pytest.mark.parametrize("folds", [ROWS, ROWS[:2], ROWS[:1]], ids=len)
def test_every_fold_sees_all_its_rows_in_every_epoch_and_no_others(
    folds: list[np.ndarray], batch_size: int
) -> None:
    drawn = batches(*folds, batch_size=batch_size)
    for epoch in range(3):
        rows = drawn.rows(epoch)
        assert rows.shape == (drawn.n_steps, len(folds), drawn.size)
        assert rows.dtype == np.int32
        for index, fold in enumerate(folds):
            assert set(rows[:, index].ravel().tolist()) == set(fold.tolist())


def test_short_fold_is_filled_evenly() -> None:
    rows = batches(*ROWS, batch_size=4).rows(0)
    for index, fold in enumerate(ROWS):
        seen = Counter(rows[:, index].ravel().tolist())
        assert max(seen.values()) - min(seen.values()) <= 1
        assert sum(seen.values()) == rows.shape[0] * rows.shape[2] >= len(fold)


def test_batches_are_whole_and_no_larger_than_the_smallest_fold() -> None:
    assert (batches(*ROWS, batch_size=128).size, batches(*ROWS, batch_size=128).n_steps) == (3, 7)
    assert (batches(*ROWS, batch_size=2).size, batches(*ROWS, batch_size=2).n_steps) == (2, 10)


def test_order_depends_on_seed_epoch_and_fold_only() -> None:
    same = [np.arange(40), np.arange(40)]
    first = batches(*same).rows(0)
    np.testing.assert_array_equal(first, batches(*same).rows(0))
    assert not np.array_equal(first, batches(*same).rows(1))
    assert not np.array_equal(first, batches(*same, seed=1).rows(0))
    assert not np.array_equal(first[:, 0], first[:, 1])


def test_order_of_a_fold_does_not_depend_on_the_rows_of_others() -> None:
    there = batches(np.arange(20), np.arange(20, 40)).rows(3)
    elsewhere = batches(np.arange(20), np.arange(60, 80)).rows(3)
    np.testing.assert_array_equal(there[:, 0], elsewhere[:, 0])


def test_padding_keeps_every_row_at_its_place() -> None:
    stacked = padded([np.array([5, 7, 9]), np.array([4])])
    np.testing.assert_array_equal(stacked, [[5, 7, 9], [4, 0, 0]])
    assert stacked.dtype == np.int32


LABELS = np.r_[np.zeros(14), np.ones(4), np.full(2, 3), np.ones(20)].astype(np.int64)


def alike(*folds: np.ndarray, sampling: str = "balanced", n_epochs: int = 8) -> Batches:
    """Return batches of a task in which a fold's classes are 0 (14 rows), 1 (4) and 3 (2)."""
    task = Task(labels=LABELS, n_classes=4, train_rows=folds, valid_rows=[], n_epochs=n_epochs)
    return Batches.of(task, Params(sampling=sampling, batch_size=8), seed=0)


def test_balanced_sampling_draws_every_class_of_a_fold_alike() -> None:
    drawn = alike(ROWS[0])
    for epoch in range(4):
        rows = drawn.rows(epoch)[:, 0].ravel()
        assert Counter(LABELS[rows].tolist()) == {0: 8, 1: 8, 3: 8}
        seen = Counter(rows.tolist())
        assert {seen[row] for row in range(14, 18)} == {2}  # of class 1
        assert {seen[row] for row in (18, 19)} == {4}
        assert max(seen[row] for row in range(14)) == 1
    assert {int(row) for epoch in range(9) for row in drawn.rows(epoch).ravel()} == set(range(20))


def test_row_that_is_seen_again_in_a_balanced_epoch_shows_another_view() -> None:
    drawn = alike(ROWS[0])
    for epoch in range(4):
        rows = drawn.rows(epoch)
        shown = view_of(rows, drawn.turns(rows, epoch), 4)
        for row in range(20):
            here = shown[rows == row]
            assert len(set(here.tolist())) == len(here)
            assert (row + epoch) % 4 in here or not len(here)


def test_balanced_rows_of_a_fold_do_not_depend_on_those_of_others() -> None:
    there, elsewhere = alike(ROWS[0], np.arange(0, 20)), alike(ROWS[0], np.arange(20, 40))
    np.testing.assert_array_equal(there.rows(1)[:, 0], elsewhere.rows(1)[:, 0])
    rows = there.rows(1)
    np.testing.assert_array_equal(
        there.turns(rows, 1)[:, 0], elsewhere.turns(elsewhere.rows(1), 1)[:, 0]
    )


def test_second_stage_draws_classes_alike_in_the_last_quarter_of_the_epochs() -> None:
    natural, balanced = alike(ROWS[0], sampling="natural"), alike(ROWS[0])
    staged = alike(ROWS[0], sampling="second_stage")
    for epoch in range(8):
        expected = natural if epoch < 6 else balanced
        np.testing.assert_array_equal(staged.rows(epoch), expected.rows(epoch))
        assert staged.is_second_stage(epoch) == (epoch >= 6)
        assert not balanced.is_second_stage(epoch)
    np.testing.assert_array_equal(natural.turns(natural.rows(7), 7), np.full((3, 1, 8), 7))


@pytest.mark.parametrize("n_views", [1, 2, 4])
def test_image_i_in_epoch_e_shows_view_i_plus_e_modulo_the_views(n_views: int) -> None:
    rows = np.arange(12).reshape(3, 2, 2)
    for epoch in range(5):
        shown = view_of(rows, epoch, n_views)
        assert shown.tolist() == [
            [[(int(i) + epoch) % n_views for i in fold] for fold in step] for step in rows
        ]


def test_every_image_shows_every_view_once_in_as_many_epochs() -> None:
    shown = np.stack([view_of(np.arange(10), epoch, 4) for epoch in range(4)])
    np.testing.assert_array_equal(
        np.sort(shown, axis=0), np.repeat(np.arange(4)[:, np.newaxis], 10, axis=1)
    )
