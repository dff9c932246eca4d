from __future__ import annotations

import subprocess
import sys
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bcsearch.data.arrays import resize
from bcsearch.data.cells import CELL_KINDS, draw_cell
from bcsearch.data.demo import COUNTS, load_demo

if TYPE_CHECKING:
    from bcsearch.data import Dataset

FINGERPRINT = "866cb54b865624b6"


def test_demo_is_drawn_and_says_so(demo: Dataset) -> None:
    assert demo.drawn
    assert "drawn" in demo.source
    assert demo.images.shape == (1200, 96, 96, 3)
    assert demo.images.dtype == np.uint8


def test_demo_has_the_eight_kinds_in_an_uneven_mix(demo: Dataset) -> None:
    assert demo.class_names == tuple(CELL_KINDS)
    assert demo.class_counts == tuple(COUNTS.values())
    assert max(demo.class_counts) > 2 * min(demo.class_counts)


def test_demo_has_the_same_bytes_everywhere(demo: Dataset) -> None:
    assert demo.fingerprint == FINGERPRINT


@pytest.mark.slow
def test_demo_has_the_same_bytes_in_another_process_with_other_threads() -> None:
    code = "from bcsearch.data.demo import load_demo; print(load_demo().fingerprint)"
    environment = {"OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == FINGERPRINT


def test_no_image_is_drawn_twice(demo: Dataset) -> None:
    assert len({image.tobytes() for image in demo.images}) == demo.n_images


@pytest.mark.parametrize("name", CELL_KINDS)
def test_same_seed_draws_the_same_cell(name: str) -> None:
    first, again, other = (draw_cell(CELL_KINDS[name], np.random.RandomState(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_demo_is_resized_when_another_size_is_wanted(demo: Dataset) -> None:
    small = load_demo(32)
    assert np.array_equal(small.images, resize(demo.images, 32))
    assert np.array_equal(small.labels, demo.labels)


@pytest.mark.parametrize(("size", "strength"), [(6, 1.0), (8, 1.0), (12, 0.3), (96, 0.001)])
def test_linear_model_on_pixels_stays_under_80_percent(demo: Dataset, size: int, strength: float) -> None:
    pixels = resize(demo.images, size).reshape(demo.n_images, -1).astype(np.float32)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=100, tol=1e-2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(pixels[:900], demo.labels[:900])
    assert 0.3 < model.score(pixels[900:], demo.labels[900:]) < 0.8
