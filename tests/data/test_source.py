from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from bcsearch.data import load_dataset, load_images
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 12, 10, 3)).astype(np.uint8)


@pytest.fixture
def npz_path(tmp_path: Path) -> Path:
    path = tmp_path / "cells.npz"
    np.savez(path, data=IMAGES, labels=[0, 1, 2, 0, 1, 2], groups=[0, 0, 0, 1, 1, 2])
    return path


@pytest.fixture
def folder_path(tmp_path: Path) -> Path:
    for row, name in enumerate(("a/1", "a/2", "a/3", "b/1", "b/2", "b/3")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(IMAGES[row, :10]).save(tmp_path / f"{name}.png")
    return tmp_path


def test_npz_keeps_its_size_unless_another_is_wanted(npz_path: Path) -> None:
    assert np.array_equal(load_dataset(npz_path).images, IMAGES)
    assert load_dataset(npz_path, 5).images.shape == (6, 5, 5, 3)


def test_classes_without_names_are_called_by_their_numbers(npz_path: Path) -> None:
    dataset = load_dataset(npz_path)
    assert dataset.class_names == ("0", "1", "2")
    assert dataset.groups is not None
    assert dataset.groups.tolist() == [0, 0, 0, 1, 1, 2]


def test_path_may_be_text_and_is_kept_for_showing(npz_path: Path) -> None:
    dataset = load_dataset(str(npz_path))
    assert dataset.source == str(npz_path)
    assert not dataset.drawn
    assert dataset.fingerprint == load_dataset(npz_path).fingerprint


def test_folder_and_npz_of_the_same_images_have_one_fingerprint(folder_path: Path) -> None:
    from_folder = load_dataset(folder_path, 10)
    path = folder_path / "same.npz"
    np.savez(path, data=IMAGES[:, :10], labels=[0, 0, 0, 1, 1, 1], class_names=["a", "b"])
    assert from_folder.names is not None
    assert from_folder.fingerprint == load_dataset(path).fingerprint


def test_images_to_predict_need_no_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "new.npz", data=IMAGES)
    found = load_images(tmp_path / "new.npz", 7)
    assert found.labels is None
    assert found.images.shape == (6, 7, 7, 3)
    assert found.row_names == tuple("012345")


def test_images_to_score_may_lack_classes(tmp_path: Path) -> None:
    np.savez(tmp_path / "shifted.npz", data=IMAGES, labels=[4] * 6)
    assert load_images(tmp_path / "shifted.npz", 10).require_labels().tolist() == [4] * 6


def test_images_of_class_folders_bring_labels_and_names(folder_path: Path) -> None:
    found = load_images(folder_path, 10)
    assert found.class_names == ("a", "b")
    assert found.row_names[:2] == ("a/1.png", "a/2.png")
    assert np.array_equal(found.images, IMAGES[:, :10])


def test_reading_data_needs_neither_scikit_learn_nor_tensorflow() -> None:
    code = """
import sys, bcsearch.data, bcsearch.data.folds
print(sorted({'sklearn', 'scipy', 'tensorflow', 'keras'} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_images_too_large_for_the_memory_are_one_line(
    npz_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("bcsearch.data.npz.to_images", full)
    with pytest.raises(DataError, match=r"cells.npz: too large for the memory that is free"):
        load_dataset(npz_path)


def test_fingerprints_of_earlier_versions_stay(tmp_path: Path) -> None:
    images = (np.arange(12 * 6 * 8 * 3) % 251).astype(np.uint8).reshape(12, 6, 8, 3)
    labels, names = np.arange(12) % 3, ["Mu\u0308ll", "b", "a"]
    path = tmp_path / "cells.npz"
    np.savez(path, data=images / 255, labels=labels)
    assert load_dataset(path).fingerprint == "285ad172aa0dbb96"
    assert load_dataset(path, 5).fingerprint == "6139471c14e82a3f"
    gray, one_hot = images[..., 0], np.eye(3)[labels]
    groups = np.arange(12) % 3 // 2
    np.savez(path, data=gray, labels=one_hot, class_names=names, groups=groups)
    assert load_dataset(path).fingerprint == "146a6025396b4d63"
    for row, image in enumerate(images):
        place = tmp_path / "folder" / names[labels[row]]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{row}.png")
    assert load_dataset(tmp_path / "folder", 7).fingerprint == "969defbe5ced85ae"
