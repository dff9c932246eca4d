from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import numpy as np
import pytest

from bcsearch.data import Dataset

PARTS: dict[str, Any] = {
    "images": np.arange(4 * 2 * 3 * 3, dtype=np.uint8).reshape(4, 2, 3, 3),
    "labels": np.array([0, 1, 0, 1]),
    "class_names": ("a", "b"),
    "groups": np.array([7, 7, 8, 9]),
}


@pytest.mark.parametrize(
    "change",
    [
        {"images": PARTS["images"] + 1},
        {"images": PARTS["images"].reshape(4, 3, 2, 3)},
        {"labels": np.array([1, 0, 0, 1])},
        {"class_names": ("a", "c")},
        {"groups": np.array([7, 8, 8, 9])},
        {"groups": None},
    ],
    ids=["pixels", "shape", "labels", "class names", "groups", "no groups"],
)
def test_fingerprint_changes_with_all_that_training_sees(change: dict[str, Any]) -> None:
    assert Dataset(**PARTS).fingerprint != Dataset(**PARTS | change).fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"source": "elsewhere.npz", "names": ("1", "2", "3", "4")},
        {"images": np.asfortranarray(PARTS["images"])},
        {"labels": PARTS["labels"].astype(np.int32)},
        {"groups": np.array(["p1", "p1", "p2", "p3"])},
    ],
    ids=["source and names", "memory order", "label type", "names of groups"],
)
def test_fingerprint_ignores_what_training_does_not_see(change: dict[str, Any]) -> None:
    assert Dataset(**PARTS).fingerprint == Dataset(**PARTS | change).fingerprint


def test_fingerprint_is_the_same_in_every_version() -> None:
    assert Dataset(**PARTS).fingerprint == "788b5429d8dc2113"


def test_hash_of_pixels_depends_on_the_images_alone() -> None:
    dataset = Dataset(**PARTS)
    other = replace(dataset, labels=np.array([1, 0, 0, 1]), class_names=("c", "d"), groups=None)
    assert other.pixels == dataset.pixels
    assert replace(dataset, images=PARTS["images"] + 1).pixels != dataset.pixels
    assert replace(dataset, images=PARTS["images"].reshape(4, 3, 2, 3)).pixels != dataset.pixels


def test_other_groups_do_not_hash_the_images_again(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = Dataset(**PARTS)
    regrouped = Dataset(**PARTS | {"groups": np.array([0, 1, 1, 2])})
    monkeypatch.setattr("bcsearch.data.dataset.hash_pixels", lambda _: pytest.fail("hashed again"))
    assert replace(dataset, groups=regrouped.groups).fingerprint == regrouped.fingerprint


def test_dataset_counts_its_classes() -> None:
    dataset = Dataset(**PARTS | {"labels": np.array([0, 1, 1, 1])})
    assert (dataset.n_images, dataset.n_classes, dataset.class_counts) == (4, 2, (1, 3))
    assert sum(dataset.class_counts) == dataset.n_images


@pytest.mark.parametrize("name", [field.name for field in fields(Dataset)])
def test_dataset_cannot_be_changed(name: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(Dataset(**PARTS), name, None)
