from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bcsearch.data import Dataset, describe

if TYPE_CHECKING:
    from numpy.typing import NDArray

IMAGES: NDArray[np.uint8] = (
    np.random.default_rng(0).integers(10, 240, (300, 4, 6, 3)).astype(np.uint8)
)


@pytest.fixture
def dataset() -> Dataset:
    labels = np.arange(300) % 3
    return Dataset(
        images=IMAGES,
        labels=labels,
        class_names=("a", "b", "c"),
        groups=np.arange(300) // 2,
        source="x.npz",
    )


def test_description_holds_shape_classes_and_counts(dataset: Dataset) -> None:
    info = describe(dataset)
    assert (info.n_images, info.height, info.width) == (300, 4, 6)
    assert dict(zip(info.class_names, info.class_counts, strict=True)) == {
        "a": 100,
        "b": 100,
        "c": 100,
    }
    assert info.n_groups == 150
    assert (info.source, info.drawn, info.fingerprint) == ("x.npz", False, dataset.fingerprint)


def test_description_of_values_equals_what_numpy_says(dataset: Dataset) -> None:
    info = describe(dataset)
    assert (info.value_min, info.value_max) == (IMAGES.min(), IMAGES.max())
    assert info.channel_means == pytest.approx(IMAGES.mean(axis=(0, 1, 2)))
    assert info.channel_stds == pytest.approx(IMAGES.std(axis=(0, 1, 2)))


def test_demo_is_described_as_drawn(demo: Dataset) -> None:
    info = describe(demo)
    assert info.drawn
    assert "drawn" in info.source
    assert info.n_groups is None
