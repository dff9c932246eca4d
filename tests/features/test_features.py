from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bcsearch.features.store import Store
from bcsearch.recipe import Params

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from pathlib import Path

    from bcsearch.features.features import Features

LITE = "efficientnet_lite0"
CLEAN = Params(image_size=32)
LIGHT = Params(image_size=32, augment="light", views=3)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (70, 24, 24, 3), np.uint8)


def make_features(images: np.ndarray, root: Path, **changes: Any) -> Features:
    from bcsearch.backbones.weights import resolve_weights
    from bcsearch.features.features import Features

    weights = {LITE: resolve_weights(LITE, "imagenet")}
    values: dict[str, Any] = {"fingerprint": "0" * 16, "weights": weights, "seed": 7, **changes}
    return Features(images=images, store=Store(root), **values)


def test_cached_activations_equal_those_of_the_model_within_half_precision(
    images: np.ndarray, tmp_path: Path
) -> None:
    from bcsearch.backbones.weights import load_backbone, resolve_weights, with_resizing

    cached = make_features(images, tmp_path).activations(LIGHT, "pooled")
    views = make_features(images, tmp_path).activations(LIGHT, "input")
    model = with_resizing(
        load_backbone(LITE, 32, resolve_weights(LITE, "imagenet"), seed=0), 24, 24
    )
    assert len(cached) == len(views) == 3
    np.testing.assert_array_equal(views[0], images)
    for activations, view in zip(cached, views, strict=True):
        assert activations.shape == (70, 1280)
        assert activations.dtype == np.float16
        np.testing.assert_allclose(
            activations, model.predict(view, verbose=0), rtol=0, atol=0.02
        )  # rounded at every cut; measured: 0.005


def test_without_augmentation_there_is_the_clean_view_only(
    images: np.ndarray, tmp_path: Path
) -> None:
    features = make_features(images, tmp_path)
    assert (
        len(features.activations(CLEAN, "pooled")) == len(features.activations(CLEAN, "input")) == 1
    )


def test_a_warm_cache_computes_and_loads_nothing(
    images: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bcsearch.augment import views
    from bcsearch.features import prefix

    cold = make_features(images, tmp_path).activations(LIGHT, "pooled")
    monkeypatch.delattr(prefix, "load_backbone")
    monkeypatch.delattr(views, "make_view")
    warm = make_features(images, tmp_path).activations(LIGHT, "pooled")
    for a, b in zip(cold, warm, strict=True):
        np.testing.assert_array_equal(a, b)


def test_two_policies_and_two_seeds_share_the_clean_activations(
    images: np.ndarray, tmp_path: Path
) -> None:
    make_features(images, tmp_path).activations(LIGHT, "pooled")
    make_features(images, tmp_path, seed=8).activations(CLEAN, "pooled")
    kinds = [record.kind for record in Store(tmp_path).entries()]
    assert sorted(kinds) == ["activations"] * 3 + ["view"] * 2


def test_activations_are_the_same_bytes_when_computed_again(
    images: np.ndarray, tmp_path: Path
) -> None:
    first = make_features(images, tmp_path / "a").activations(CLEAN, "pooled")[0]
    second = make_features(images, tmp_path / "b").activations(CLEAN, "pooled")[0]
    np.testing.assert_array_equal(first, second)


def test_random_weights_of_another_seed_are_another_entry(
    images: np.ndarray, tmp_path: Path
) -> None:
    from bcsearch.backbones.weights import resolve_weights

    weights = {LITE: resolve_weights(LITE, "random")}
    first, second = (
        make_features(images, tmp_path, weights=weights, seed=s).activations(CLEAN, "pooled")[0]
        for s in (1, 2)
    )
    assert not np.array_equal(first, second)


def test_progress_counts_the_images_of_every_entry(images: np.ndarray, tmp_path: Path) -> None:
    heard: list[Any] = []
    make_features(images, tmp_path, batch_size=32, progress=heard.append).activations(
        CLEAN, "pooled"
    )
    assert [(report.done, report.total) for report in heard] == [(32, 70), (64, 70), (70, 70)]
    assert heard[0].what == "efficientnet_lite0 at 32 pixels over the images"
