"""Copies are found whatever was done to them, and pictures that are none are not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bcsearch.data import Dataset, load_dataset
from bcsearch.records.checked import DataCheck, Verdict
from benchmarks.copies import KINDS

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from collections.abc import Sequence

N = 90


@pytest.fixture(scope="module")
def cells() -> Dataset:
    demo = load_dataset("demo")
    rows = np.linspace(0, demo.n_images - 1, N).astype(int)
    return replace(demo, images=demo.images[rows], labels=demo.labels[rows])


def checked(
    images: np.ndarray, labels: np.ndarray, like: Dataset, names: Sequence[str] = ()
) -> DataCheck:
    from bcsearch.check.looked import Looked
    from bcsearch.check.table import check_data

    dataset = replace(like, images=images, labels=labels)
    return check_data(Looked(dataset, None), names or ("exact_copies", "near_copies"))


def rows_of(check: DataCheck, reason: str) -> list[int]:
    return sorted(each.row for each in check.findings if each.reason == reason)


def test_drawn_cells_that_are_alike_are_no_copies(cells: Dataset) -> None:
    check = checked(cells.images, cells.labels, cells)
    assert check.findings == ()
    assert check.groups == ()


CHANGES = [kind for kind in KINDS if kind != "the same"]


@pytest.fixture(scope="module")
def planted(cells: Dataset) -> DataCheck:
    """Check the cells with three copies of each kind behind them, the third under another label."""
    sources = np.arange(3 * len(CHANGES))
    copies = [KINDS[CHANGES[row // 3]](cells.images[row]) for row in sources]
    labels = cells.labels[sources].copy()
    labels[2::3] = (labels[2::3] + 1) % cells.n_classes
    images = np.concatenate([cells.images, np.stack(copies)])
    return checked(images, np.concatenate([cells.labels, labels]), cells)


@pytest.mark.parametrize("kind", CHANGES)
def test_changed_copy_is_found_whatever_its_label(planted: DataCheck, kind: str) -> None:
    first, second, third = (3 * CHANGES.index(kind) + place for place in range(3))
    for row in (first, second, third):
        assert (row, N + row) in planted.groups
    of_copies = {each.row: each for each in planted.findings}
    for row in (first, N + first, second, N + second):
        assert of_copies[row].reason == "near copy"
        assert of_copies[row].verdict is Verdict.GROUP
    for row in (third, N + third):
        assert of_copies[row].reason == "near copy, other label"
        assert of_copies[row].verdict is Verdict.EXCLUDE
    assert of_copies[N + first].other == first
    assert f"row {first} " in of_copies[N + first].evidence


def test_nothing_but_the_copies_is_grouped(planted: DataCheck) -> None:
    assert len(planted.groups) == 3 * len(CHANGES)
    assert all(len(rows) == 2 for rows in planted.groups)


def test_picture_that_stands_there_six_times_is_junk_and_five_times_a_copy(cells: Dataset) -> None:
    images = np.concatenate([cells.images, *[cells.images[:1]] * 5, *[cells.images[1:2]] * 4])
    labels = np.concatenate([cells.labels, [0, 1, 2, 3, 4], [cells.labels[1]] * 4])
    check = checked(images, labels, cells)
    assert rows_of(check, "junk") == [0, *range(N, N + 5)]
    assert rows_of(check, "copy") == list(range(N + 5, N + 9))
    assert "the same picture 6 times, under 5 labels" in check.findings[0].evidence
    assert check.groups == ((0, *range(N, N + 5)), (1, *range(N + 5, N + 9)))


def test_all_copies_are_left_out_where_their_labels_conflict(cells: Dataset) -> None:
    images = np.concatenate([cells.images, cells.images[5:6]])
    labels = np.append(cells.labels, (cells.labels[5] + 1) % cells.n_classes)
    check = checked(images, labels, cells)
    assert rows_of(check, "copy, other label") == check.rows(Verdict.EXCLUDE) == [5, N]
    names = [cells.class_names[label] for label in (labels[5], labels[N])]
    assert all(name in check.findings[0].evidence for name in names)


def test_changed_copy_of_junk_is_junk(cells: Dataset) -> None:
    copy = KINDS["mirrored"](cells.images[0])[np.newaxis]
    images = np.concatenate([cells.images, *[cells.images[:1]] * 5, copy])
    labels = np.concatenate([cells.labels, [0] * 5, [1]])
    check = checked(images, labels, cells)
    assert N + 5 in rows_of(check, "near copy of junk")
    assert N + 5 in check.rows(Verdict.EXCLUDE)


def test_copies_of_copies_are_one_group(cells: Dataset) -> None:
    first = KINDS["mirrored"](cells.images[7])
    second = KINDS["turned by 90 degrees"](first)
    images = np.concatenate([cells.images, first[np.newaxis], second[np.newaxis]])
    labels = np.append(cells.labels, [cells.labels[7]] * 2)
    assert checked(images, labels, cells).groups == ((7, N, N + 1),)


def test_each_of_a_pair_is_told_how_the_other_was_turned(cells: Dataset) -> None:
    turned = np.rot90(cells.images[4])[np.newaxis]  # against the clock
    labels = np.append(cells.labels, cells.labels[4])
    found = checked(np.concatenate([cells.images, turned]), labels, cells).findings
    told = {each.row: each.evidence for each in found}
    assert told[4].startswith(f"row {N} turned by 270 degrees")
    assert told[N].startswith("row 4 turned by 90 degrees")


def test_many_copies_do_not_hide_their_source(cells: Dataset) -> None:
    jpeg, cropped = KINDS["JPEG, quality 60"], KINDS["cropped by 8 pixels"]
    first = cells.images[6]
    second = cropped(first)
    some = [first, second]
    for _ in range(4):
        some += [jpeg(some[-2]), jpeg(some[-1])]
    labels = np.append(cells.labels, [cells.labels[6]] * 9)
    check = checked(np.concatenate([cells.images, np.stack(some[1:])]), labels, cells)
    assert check.groups == ((6, *range(N, N + 9)),)


def test_label_of_an_exact_copy_counts_beside_a_changed_one(cells: Dataset) -> None:
    """Rows 7 and N have one picture under two labels; N + 1 is mirrored, under one of them."""
    other = (cells.labels[7] + 1) % cells.n_classes
    copies = np.stack([cells.images[7], cells.images[7][:, ::-1]])
    for label in (cells.labels[7], other):
        labels = np.append(cells.labels, [other, label])
        check = checked(np.concatenate([cells.images, copies]), labels, cells)
        assert check.rows(Verdict.EXCLUDE) == [7, N, N + 1]


def test_pictures_too_plain_to_be_told_apart_are_not_set_aside(cells: Dataset) -> None:
    far = np.hypot(*np.mgrid[-1 : 1 : 96 * 1j, -1 : 1 : 96 * 1j])
    discs = np.stack([np.where(far < 0.4 + 0.01 * n, 90, 220) for n in range(20)])
    images = np.repeat(discs[..., None].astype(np.uint8), 3, axis=-1)
    labels = np.arange(20) % cells.n_classes
    check = checked(images, labels, cells)
    assert {each.reason for each in check.findings} == {"many alike, other labels"}
    assert check.rows(Verdict.EXCLUDE) == []
    assert any("too plain to be told apart" in note for note in check.notes)


def test_flat_images_are_neither_compared_nor_an_error(cells: Dataset) -> None:
    flat = np.full((2, *cells.images.shape[1:]), 200, np.uint8)
    flat[1] = 100
    images = np.concatenate([cells.images, flat])
    check = checked(
        images, np.append(cells.labels, [0, 1]), cells, ("exact_copies", "near_copies", "blank")
    )
    assert {each.reason for each in check.findings} == {"blank"}
    assert rows_of(check, "blank") == [N, N + 1]


def test_images_of_any_size_are_compared(cells: Dataset) -> None:
    from bcsearch.data.arrays import resize

    for side in (20, 160):
        images = resize(cells.images, side)
        turned = np.rot90(images[4], 3)[np.newaxis]
        labels = np.append(cells.labels, cells.labels[4])
        assert (4, N) in checked(np.concatenate([images, turned]), labels, cells).groups


def test_stripes_and_edges_are_compared_without_an_error() -> None:
    """Of what varies in one direction alone nothing tells how it moved in the other."""
    from bcsearch.check.copies import near_copies
    from bcsearch.check.looked import Looked
    from bcsearch.data import Dataset

    waves = [127 + 120 * np.sin(np.arange(64) / (2 + row % 7) + row) for row in range(24)]
    stripes = np.repeat(np.stack(waves)[:, np.newaxis, :, np.newaxis], 64, axis=1)
    edges = np.zeros((8, 64, 64, 1)) + (np.arange(64) > 20)[:, np.newaxis] * 50
    edges += np.arange(8)[:, np.newaxis, np.newaxis, np.newaxis] * 10
    images = np.concatenate([stripes, edges]).repeat(3, axis=-1).astype(np.uint8)
    dataset = Dataset(images=images, labels=np.arange(32) % 2, class_names=("a", "b"))
    near_copies(Looked(dataset, None))


def test_pictures_of_a_few_pixels_are_not_told_apart() -> None:
    from bcsearch.check.copies import near_copies
    from bcsearch.check.looked import Looked
    from bcsearch.data import Dataset

    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), np.uint8)
    dataset = Dataset(images=images, labels=np.arange(20) % 2, class_names=("a", "b"))
    found = near_copies(Looked(dataset, None))
    assert found.left_out == "changed copies need images of 16 pixels or more"
