from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from bcsearch.errors import ConfigError

pytestmark = pytest.mark.slow

HASHES = """
import hashlib
import numpy as np
from bcsearch.augment.policies import POLICIES, make_view_chunk
images = np.random.default_rng(0).integers(0, 256, (40, 24, 24, 3), np.uint8)
for policy in POLICIES:
    print(policy, hashlib.sha256(make_view_chunk(images, policy, 3).tobytes()).hexdigest())
"""


def marked_images(n: int) -> np.ndarray:
    """Uniform images, each a little brighter than the one before, that geometry cannot change."""
    levels = np.linspace(40, 200, n).astype(np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (n, 24, 24, 3)).copy()


def test_views_are_equal_in_two_fresh_processes_and_when_made_twice_in_one() -> None:
    children = [
        subprocess.Popen([sys.executable, "-c", HASHES], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    first, second = (child.communicate(timeout=120)[0].splitlines() for child in children)
    assert first == second
    assert len({line.split()[1] for line in first}) == 4

    from hashlib import sha256

    from bcsearch.augment.policies import POLICIES, make_view_chunk

    images = np.random.default_rng(0).integers(0, 256, (40, 24, 24, 3), np.uint8)
    for _ in range(2):
        here = [
            f"{name} {sha256(make_view_chunk(images, name, 3).tobytes()).hexdigest()}"
            for name in POLICIES
        ]
        assert here == first


@pytest.mark.parametrize("policy", ["none", "light", "medium", "strong"])
def test_a_policy_keeps_number_form_and_type(policy: str) -> None:
    from bcsearch.augment.policies import make_view_chunk

    images = np.random.default_rng(1).integers(0, 256, (9, 20, 30, 3), np.uint8)
    view = make_view_chunk(images, policy, 1)
    assert (view.shape, view.dtype) == (images.shape, images.dtype)
    assert np.array_equal(view, images) == (policy == "none")


@pytest.mark.parametrize("policy", ["light", "medium", "strong"])
def test_rows_stay_in_place(policy: str) -> None:
    from bcsearch.augment.policies import make_view_chunk

    images = marked_images(32)
    views = np.stack([make_view_chunk(images, policy, seed) for seed in range(6)])
    levels = np.median(views.mean(axis=(2, 3, 4)), axis=0)
    assert np.corrcoef(levels, images.mean(axis=(1, 2, 3)))[0, 1] > 0.9


@pytest.mark.parametrize("policy", ["light", "medium", "strong"])
def test_each_image_and_each_seed_gets_its_own_change(policy: str) -> None:
    from bcsearch.augment.policies import make_view_chunk

    images = np.repeat(
        np.random.default_rng(2).integers(0, 256, (1, 24, 24, 3), np.uint8), 16, axis=0
    )
    view = make_view_chunk(images, policy, 0)
    assert len({image.tobytes() for image in view}) == 16
    assert not np.array_equal(view, make_view_chunk(images, policy, 1))


def test_an_unknown_policy_gets_the_nearest_one() -> None:
    from bcsearch.augment.policies import make_view_chunk

    with pytest.raises(ConfigError, match="did you mean 'medium'"):
        make_view_chunk(marked_images(1), "medim", 0)
