"""Data written as arrays or as pictures comes back with nothing lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bcsearch.config.sweep import Reading
from bcsearch.data import Dataset, load_dataset
from bcsearch.data.pack import DESCRIPTION, pack, write_npz, write_pictures
from bcsearch.errors import DataError, DiskError

if TYPE_CHECKING:
    from pathlib import Path

RANDOM = np.random.default_rng(0)
NAMES = ("band cell", "../up", "CON.", "é", "x" * 300)


def arrays(n: int = 12, **more: np.ndarray) -> dict[str, np.ndarray]:
    images = RANDOM.integers(0, 256, (n, 10, 14, 3), np.uint8)
    return {"data": images, "labels": (np.arange(n) % 5)[:, None].astype(np.uint8), **more}


def saved(folder: Path, **given: Any) -> Path:
    path = folder / "cells.npz"
    np.savez(path, **given)
    return path


def alike(one: Dataset, other: Dataset) -> None:
    np.testing.assert_array_equal(one.images, other.images)
    np.testing.assert_array_equal(one.labels, other.labels)
    assert one.class_names == other.class_names
    for name in ("groups", "valid"):
        first, second = getattr(one, name), getattr(other, name)
        assert (first is None) == (second is None)
        if first is not None:
            np.testing.assert_array_equal(first.astype(str), second.astype(str))
    assert (one.test is None) == (other.test is None)
    if one.test is not None and other.test is not None:
        np.testing.assert_array_equal(one.test.images, other.test.images)
        np.testing.assert_array_equal(one.test.require_labels(), other.test.require_labels())


SPLIT = {
    "train_images": RANDOM.integers(0, 256, (8, 6, 6, 3), np.uint8),
    "train_labels": np.arange(8) % 2,
    "val_images": RANDOM.integers(0, 256, (4, 6, 6, 3), np.uint8),
    "val_labels": np.arange(4) % 2,
    "test_images": RANDOM.integers(0, 256, (4, 6, 6, 3), np.uint8),
    "test_labels": np.arange(4) % 2,
}


@pytest.mark.parametrize(
    "given",
    [
        arrays(),
        arrays(class_names=np.array(NAMES)),
        arrays(class_names=np.array(["A", "a", "b", "c", "d"])),
        arrays(class_names=np.array(["train", "val", "test", "c", "d"])),
        arrays(groups=np.arange(12) // 3),
        SPLIT,
    ],
    ids=["plain", "odd names", "names alike", "names of parts", "groups", "split"],
)
def test_pictures_packed_again_are_the_same_dataset(
    given: dict[str, np.ndarray], tmp_path: Path
) -> None:
    dataset = load_dataset(saved(tmp_path, **given))
    n_written = write_pictures(tmp_path / "out", dataset)
    assert n_written == sum(len(images) for name, images in given.items() if images.ndim == 4)
    outside = [path for path in tmp_path.iterdir() if path.name not in ("out", "cells.npz")]
    assert outside == []
    pack(tmp_path / "out", tmp_path / "again.npz")
    alike(dataset, load_dataset(tmp_path / "again.npz"))
    write_npz(tmp_path / "copy.npz", dataset)
    alike(dataset, load_dataset(tmp_path / "copy.npz"))


def test_image_that_a_person_moved_has_the_label_of_its_new_folder(tmp_path: Path) -> None:
    dataset = load_dataset(saved(tmp_path, **arrays(class_names=np.array(list("abcde")))))
    write_pictures(tmp_path / "out", dataset)
    (tmp_path / "out" / "a" / "00.png").rename(tmp_path / "out" / "b" / "00.png")
    (tmp_path / "out" / "c" / "07.png").unlink()
    (tmp_path / "out" / "new").mkdir()
    (tmp_path / "out" / "e" / "04.png").rename(tmp_path / "out" / "new" / "04.png")
    pack(tmp_path / "out", tmp_path / "again.npz")
    again = load_dataset(tmp_path / "again.npz")
    kept = np.delete(np.arange(12), 7)
    np.testing.assert_array_equal(again.images, dataset.images[kept])
    assert again.class_names == (*"abcde", "new")
    labels = dataset.labels.copy()
    labels[0], labels[4] = 1, 5
    np.testing.assert_array_equal(again.labels, labels[kept])


def test_images_deeper_than_their_class_are_refused_not_dropped(tmp_path: Path) -> None:
    write_pictures(tmp_path / "out", load_dataset(saved(tmp_path, **arrays())))
    (tmp_path / "out" / "0" / "sure").mkdir()
    (tmp_path / "out" / "0" / "00.png").rename(tmp_path / "out" / "0" / "sure" / "00.png")
    with pytest.raises(DataError, match=r"1 images lie higher or deeper .*0/sure/00\.png"):
        pack(tmp_path / "out", tmp_path / "again.npz")


def test_folder_called_as_a_class_whose_folder_has_another_name_is_that_class(
    tmp_path: Path,
) -> None:
    names = np.array(["A", "a", "b", "c", "d"])
    dataset = load_dataset(saved(tmp_path, **arrays(class_names=names)))
    write_pictures(tmp_path / "out", dataset)
    (tmp_path / "out" / "class 0").rename(tmp_path / "out" / "A")
    pack(tmp_path / "out", tmp_path / "again.npz")
    alike(dataset, load_dataset(tmp_path / "again.npz"))


def test_more_test_images_than_others_keep_their_order(tmp_path: Path) -> None:
    many = RANDOM.integers(0, 256, (30, 6, 6, 3), np.uint8)
    given = {**SPLIT, "test_images": many, "test_labels": np.arange(30) % 2}
    dataset = load_dataset(saved(tmp_path, **given))
    write_pictures(tmp_path / "out", dataset)
    pack(tmp_path / "out", tmp_path / "again.npz")
    alike(dataset, load_dataset(tmp_path / "again.npz"))


def test_class_of_the_test_part_alone_is_refused(tmp_path: Path) -> None:
    given = {**SPLIT, "test_labels": np.array([0, 1, 2, 2])}
    dataset = load_dataset(saved(tmp_path, **given))
    with pytest.raises(DataError, match="classes that no other part has: 2"):
        write_pictures(tmp_path / "out", dataset)


def test_folders_of_ones_own_are_packed(tmp_path: Path) -> None:
    from PIL import Image

    for name in ("cat", "dog"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for number in range(3):
            image = Image.fromarray(RANDOM.integers(0, 256, (5, 7, 3), np.uint8))
            image.save(tmp_path / "mine" / name / f"{name}{number}.bmp")
    said = pack(tmp_path / "mine", tmp_path / "mine.npz")
    assert said == "6 images, 2 classes: cat 3, dog 3"
    assert load_dataset(tmp_path / "mine.npz").images.shape == (6, 5, 7, 3)


def test_images_of_different_sizes_are_refused_with_their_names(tmp_path: Path) -> None:
    dataset = load_dataset(saved(tmp_path, **arrays()))
    write_pictures(tmp_path / "out", dataset)
    from PIL import Image

    Image.fromarray(np.zeros((3, 4, 3), np.uint8)).save(tmp_path / "out" / "1" / "06.png")
    with pytest.raises(DataError, match=r"0/00.png has 14 x 10 pixels and 1/06.png 4 x 3"):
        pack(tmp_path / "out", tmp_path / "again.npz")
    assert not (tmp_path / "again.npz").exists()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"classes": 3}', '{"classes": {"a": 1}}', "{" * 999]
)
def test_damaged_description_is_refused(tmp_path: Path, text: str) -> None:
    write_pictures(tmp_path / "out", load_dataset(saved(tmp_path, **arrays())))
    (tmp_path / "out" / DESCRIPTION).write_text(text)
    with pytest.raises(DataError, match="is damaged"):
        pack(tmp_path / "out", tmp_path / "again.npz")


def test_nothing_that_is_there_is_touched(tmp_path: Path) -> None:
    dataset = load_dataset(saved(tmp_path, **arrays()))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x")
    with pytest.raises(DiskError, match="is not empty"):
        write_pictures(tmp_path / "out", dataset)
    with pytest.raises(DiskError):
        write_npz(tmp_path / "cells.npz", dataset)
    (tmp_path / "out" / "mine.txt").unlink()
    write_pictures(tmp_path / "out", dataset)
    with pytest.raises(DiskError):
        pack(tmp_path / "out", tmp_path / "cells.npz")


def test_files_are_no_arrays_to_be_written_as_files(tmp_path: Path) -> None:
    write_pictures(tmp_path / "out", load_dataset(saved(tmp_path, **arrays())))
    files = load_dataset(tmp_path / "out")
    assert json.loads((tmp_path / "out" / DESCRIPTION).read_text())["classes"]["0"] == "0"
    with pytest.raises(DataError, match="are files already"):
        write_pictures(tmp_path / "again", files)


def test_rows_that_are_left_out_are_not_written(tmp_path: Path) -> None:
    dataset = load_dataset(saved(tmp_path, **arrays(groups=np.arange(12) // 3)))
    rows = np.delete(np.arange(12), [2, 9])
    assert write_npz(tmp_path / "clean.npz", dataset, rows) == 10
    clean = load_dataset(tmp_path / "clean.npz", None, Reading())
    np.testing.assert_array_equal(clean.images, dataset.images[rows])
    assert clean.groups is not None
    assert clean.groups.tolist() == (np.arange(12) // 3)[rows].tolist()
