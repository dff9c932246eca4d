from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bcsearch.features.store import Store

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bcsearch.features.features import Features
    from bcsearch.views.view import View

LITE = "efficientnet_lite0"


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (70, 24, 24, 3), np.uint8)


def make_features(images: np.ndarray, root: Path, **changes: Any) -> Features:
    from bcsearch.backbones.weights import resolve_weights
    from bcsearch.features.features import Features

    weights = {LITE: resolve_weights(LITE, "imagenet")}
    values: dict[str, Any] = {"weights": weights, **changes}
    return Features(images=images, store=Store(root), **values)


def views_of(n_copies: int = 2, seed: int = 7) -> list[View]:
    from bcsearch.views.view import Applied, View

    light = (Applied("light"),)
    return [View(), *(View(light, copy, seed) for copy in range(1, n_copies + 1))]


def read(features: Features, views: Sequence[View], cut: str = "pooled") -> list[np.ndarray]:
    return [features.activations(LITE, 32, cut, view) for view in views]


def test_cached_activations_equal_those_of_the_model_within_half_precision(
    images: np.ndarray, tmp_path: Path
) -> None:
    from bcsearch.backbones.resizing import resizing
    from bcsearch.backbones.weights import load_backbone, resolve_weights

    cached = read(make_features(images, tmp_path), views_of())
    views = read(make_features(images, tmp_path), views_of(), "input")
    model = load_backbone(LITE, 32, resolve_weights(LITE, "imagenet"), seed=0)
    resize = resizing(24, 24, 32)
    assert resize is not None
    np.testing.assert_array_equal(views[0], images)
    for activations, view in zip(cached, views, strict=True):
        assert activations.shape == (70, 1280)
        assert activations.dtype == np.float16
        expected = model.predict(resize.predict(view, verbose=0), verbose=0)
        np.testing.assert_allclose(activations, expected, rtol=0, atol=0.02)  # measured: 0.005


def test_a_warm_cache_computes_and_loads_nothing(
    images: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bcsearch.features import prefix
    from bcsearch.views import making

    cold = read(make_features(images, tmp_path), views_of())
    monkeypatch.delattr(prefix, "load_backbone")
    monkeypatch.delattr(making, "make_view")
    features = make_features(images, tmp_path)
    for a, b in zip(cold, read(features, views_of()), strict=True):
        np.testing.assert_array_equal(a, b)
    assert features.passes == 0


def test_views_of_other_seeds_share_the_clean_activations(
    images: np.ndarray, tmp_path: Path
) -> None:
    read(make_features(images, tmp_path), views_of())
    read(make_features(images, tmp_path), views_of(1, seed=8))
    kinds = [record.kind for record in Store(tmp_path).entries()]
    assert sorted(kinds) == ["activations"] * 4 + ["view"] * 3


def test_activations_are_the_same_bytes_when_computed_again(
    images: np.ndarray, tmp_path: Path
) -> None:
    (first,) = read(make_features(images, tmp_path / "a"), views_of(0))
    (second,) = read(make_features(images, tmp_path / "b"), views_of(0))
    np.testing.assert_array_equal(first, second)


def test_random_weights_of_another_seed_are_another_entry(
    images: np.ndarray, tmp_path: Path
) -> None:
    from bcsearch.backbones.weights import resolve_weights

    weights = {LITE: resolve_weights(LITE, "random")}
    first, second = (
        read(make_features(images, tmp_path, weights=weights, weights_seed=seed), views_of(0))[0]
        for seed in (1, 2)
    )
    assert not np.array_equal(first, second)


def test_progress_counts_all_that_is_missing_as_one(images: np.ndarray, tmp_path: Path) -> None:
    from bcsearch.features.features import Need

    heard: list[Any] = []
    features = make_features(images, tmp_path, batch_size=64, progress=heard.append)
    clean, light = views_of(1)
    read(features, [clean])
    heard.clear()
    features.prepare(LITE, 32, [Need("pooled", clean), Need("pooled", light)])
    assert [(report.done, report.total) for report in heard] == [(70, 140), (134, 140), (140, 140)]
    assert heard[0].what == "view light (copy 1)"
    assert heard[-1].what == "efficientnet_lite0 at 32 pixels, pooled, view light (copy 1)"
    heard.clear()
    features.prepare(LITE, 32, [Need("pooled", clean), Need("pooled", light)])
    assert heard == []


def test_every_pooling_is_an_entry_of_its_own_from_the_same_activations(
    images: np.ndarray, tmp_path: Path
) -> None:
    features = make_features(images, tmp_path)
    read(features, views_of(0), "block14_add")
    cuts = ("pooled", "pooled_max", "pooled_both")
    average, largest, both = (read(features, views_of(0), cut)[0] for cut in cuts)
    assert both.shape == (70, 2560)
    np.testing.assert_array_equal(both, np.hstack([average, largest]))
    assert (largest >= average).all()
    assert features.passes == 4 * 70
    for cut in cuts:
        read(features, views_of(0), cut)
    assert features.passes == 4 * 70


def passes_of(dataset: Any, root: Path, sweep: dict[str, Any]) -> int:
    """Return the passes of a trial with an unfrozen part on a dataset."""
    from bcsearch.data.folds import make_folds
    from bcsearch.recipe import Params
    from bcsearch.records.checkpoint import NoCheckpoints
    from bcsearch.scores.table import chosen_scores
    from bcsearch.training.trainer import Trainer
    from tests.fakes import make_plan

    settings = make_plan(training={"epochs": 3, **sweep.pop("training", {})}, **sweep).sweep
    features = make_features(dataset.images, root)
    folds = make_folds(dataset, n_folds=3, seed=settings.folds.seed)
    trainer = Trainer(dataset, folds, features, settings, chosen_scores(settings.search))
    params = Params(
        image_size=32,
        augment="light",
        views=2,
        unfreeze_fraction=0.12,
        unfreeze_schedule="half_then_all",
        unfreeze_every=1,
        units_1=8,
        batch_size=16,
    )
    trainer(trainer.canonical(params), lambda epoch, score: False, NoCheckpoints())
    return features.passes


def test_corrected_labels_groups_and_other_seeds_cost_no_pass(
    images: np.ndarray, tmp_path: Path
) -> None:
    from bcsearch.data import Dataset

    dataset = Dataset(images=images, labels=np.arange(70) % 2, class_names=("a", "b"))
    assert passes_of(dataset, tmp_path, {}) > 0
    corrected = dataset.labels.copy()
    corrected[0] = 1
    others = [
        (replace(dataset, labels=corrected), {}),
        (replace(dataset, groups=np.arange(70) // 5), {}),
        (dataset, {"folds": {"seed": 3}}),
        (dataset, {"training": {"seed": 3}}),
    ]
    for changed, sweep in others:
        assert passes_of(changed, tmp_path, sweep) == 0
    assert passes_of(dataset, tmp_path, {"views": {"seed": 3}}) > 0
