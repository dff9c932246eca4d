from __future__ import annotations

import os
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bcsearch.data import load_dataset, load_images
from bcsearch.data.arrays import resize
from bcsearch.data.cells import CELL_KINDS, draw_cell
from bcsearch.data.demo import COUNTS

if TYPE_CHECKING:
    from bcsearch.data import Dataset


def test_demo_is_drawn_and_says_so(demo: Dataset) -> None:
    assert demo.drawn
    assert "drawn" in demo.source
    assert demo.images.shape == (1200, 96, 96, 3)
    assert demo.images.dtype == np.uint8


def test_demo_has_the_eight_kinds_in_an_uneven_mix(demo: Dataset) -> None:
    assert demo.class_names == tuple(CELL_KINDS)
    assert demo.class_counts == tuple(COUNTS.values())
    assert max(demo.class_counts) > 2 * min(demo.class_counts)


@pytest.mark.slow
def test_demo_has_the_same_bytes_in_another_process_with_other_threads(demo: Dataset) -> None:
    code = "from bcsearch.data.demo import load_demo; print(load_demo().fingerprint)"
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == demo.fingerprint


def test_no_image_is_drawn_twice(demo: Dataset) -> None:
    assert len({image.tobytes() for image in demo.images}) == demo.n_images


@pytest.mark.parametrize("name", CELL_KINDS)
def test_same_seed_draws_the_same_cell(name: str) -> None:
    first, again, other = (
        draw_cell(CELL_KINDS[name], np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_demo_is_resized_when_another_size_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bcsearch.data.demo.COUNTS", dict.fromkeys(COUNTS, 2))
    full, small = load_dataset("demo"), load_images("demo", 32)
    assert np.array_equal(small.images, resize(full.images, 32))
    assert np.array_equal(small.require_labels(), full.labels)
    assert small.class_names == full.class_names
    assert small.row_names == tuple(map(str, range(16)))


@pytest.mark.parametrize(("size", "strength"), [(6, 1.0), (8, 1.0), (12, 0.3), (96, 0.001)])
def test_linear_model_on_pixels_stays_under_80_percent(
    demo: Dataset, size: int, strength: float
) -> None:
    pixels = resize(demo.images, size).reshape(demo.n_images, -1).astype(np.float32)
    pixels = span_of_train((pixels - pixels[:900].mean(axis=0)) / (pixels[:900].std(axis=0) + 1e-6))
    model = LogisticRegression(C=strength, max_iter=100, tol=1e-2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(pixels[:900], demo.labels[:900])
    assert 0.4 < model.score(pixels[900:], demo.labels[900:]) < 0.8


@pytest.mark.slow
def test_linear_model_on_features_of_a_backbone_does_well_but_not_perfectly(demo: Dataset) -> None:
    from bcsearch.backbones.weights import load_backbone, resolve_weights

    weights = resolve_weights("efficientnet_lite0", "imagenet")
    backbone = load_backbone("efficientnet_lite0", 96, weights, seed=0)
    features = backbone.predict(demo.images, batch_size=64, verbose=0)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300))
    assert 0.85 < cross_val_score(model, features, demo.labels, cv=3).mean() < 0.97


def span_of_train(pixels: np.ndarray) -> np.ndarray:
    """Turn rows into coordinates in the span of the first 900, which L2-penalised models keep."""
    if pixels.shape[1] < 900:
        return pixels
    products = pixels @ pixels[:900].T
    variances, axes = np.linalg.eigh(products[:900])
    kept = variances > 1e-6 * variances[-1]
    coordinates: np.ndarray = products @ (axes[:, kept] / np.sqrt(variances[kept]))
    return coordinates
