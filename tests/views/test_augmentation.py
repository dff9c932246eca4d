from __future__ import annotations

import subprocess
import sys
from hashlib import sha256

import numpy as np
import pytest

from bcsearch.errors import ConfigError
from tests.views.made import made

pytestmark = pytest.mark.slow

POLICIES = ["light", "medium", "strong"]
HASHES = """
import hashlib
import numpy as np
from bcsearch.views.table import OPS
from tests.views.made import made
images = np.random.default_rng(0).integers(0, 256, (40, 24, 24, 3), np.uint8)
for name in OPS:
    print(name, hashlib.sha256(made(images, name, 3).tobytes()).hexdigest())
"""


def marked_images(n: int) -> np.ndarray:
    """Uniform images, each a little brighter than the one before, that geometry cannot change."""
    levels = np.linspace(40, 200, n).astype(np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (n, 24, 24, 3)).copy()


def test_every_operation_gives_equal_bytes_in_two_fresh_processes_and_twice_in_one() -> None:
    from bcsearch.views.table import OPS

    children = [
        subprocess.Popen([sys.executable, "-c", HASHES], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    first, second = (child.communicate(timeout=120)[0].splitlines() for child in children)
    assert first == second
    assert len({line.split()[1] for line in first}) == len(OPS)
    images = np.random.default_rng(0).integers(0, 256, (40, 24, 24, 3), np.uint8)
    for _ in range(2):
        here = [f"{name} {sha256(made(images, name, 3).tobytes()).hexdigest()}" for name in OPS]
        assert here == first


def test_every_operation_keeps_number_form_and_type_and_changes_images() -> None:
    from bcsearch.views.table import OPS

    images = np.random.default_rng(1).integers(0, 256, (9, 20, 30, 3), np.uint8)
    for name, row in OPS.items():
        view = made(images, name, 1)
        assert (view.shape, view.dtype) == (images.shape, images.dtype), name
        assert not np.array_equal(view, images), name
        assert row.doc.endswith("."), name


@pytest.mark.parametrize("policy", POLICIES)
def test_rows_stay_in_place(policy: str) -> None:
    images = marked_images(32)
    views = np.stack([made(images, policy, seed) for seed in range(6)])
    levels = np.median(views.mean(axis=(2, 3, 4)), axis=0)
    assert np.corrcoef(levels, images.mean(axis=(1, 2, 3)))[0, 1] > 0.9


@pytest.mark.parametrize("policy", POLICIES)
def test_each_image_and_each_seed_gets_its_own_change(policy: str) -> None:
    image = np.random.default_rng(2).integers(0, 256, (1, 24, 24, 3), np.uint8)
    images = np.repeat(image, 16, axis=0)
    view = made(images, policy, 0)
    assert len({image.tobytes() for image in view}) == 16
    assert not np.array_equal(view, made(images, policy, 1))


def test_unknown_operation_gets_the_nearest_one_and_one_of_another_kind_is_refused() -> None:
    from bcsearch.views.operation import Kind
    from bcsearch.views.table import get_operation

    with pytest.raises(ConfigError, match="did you mean 'medium'"):
        get_operation("medim")
    with pytest.raises(ConfigError, match="'light' is of kind augment, preprocess is needed"):
        get_operation("light", Kind.PREPROCESS)
