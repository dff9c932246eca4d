from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bcsearch.errors import ConfigError
from bcsearch.recipe import BY_NAME, Names
from tests.views.made import drawn_cells, made, mean_change

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.slow

AUGMENT = BY_NAME["augment"].domain
POLICIES = [name for name in AUGMENT.names if name != "none"] if isinstance(AUGMENT, Names) else []
HASHES = """
import hashlib
import numpy as np
from bcsearch.views.table import OPS
from tests.views.made import made
images = np.random.default_rng(0).integers(0, 256, (40, 24, 24, 3), np.uint8)
for name in OPS:
    print(name, hashlib.sha256(made(images, name, 3).tobytes()).hexdigest())
"""


def marked_images(n: int, colour: Sequence[float] = (1, 1, 1)) -> np.ndarray:
    """Uniform images, each a little brighter than the one before, that geometry cannot change."""
    levels = np.linspace(40, 200, n)[:, None, None, None]
    return np.broadcast_to(levels * colour, (n, 24, 24, 3)).astype(np.uint8)


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


@pytest.mark.parametrize("shape", [(9, 20, 30, 3), (4, 32, 32, 3), (2, 512, 512, 3)])
def test_every_operation_keeps_number_form_and_type_and_changes_images(
    shape: tuple[int, ...],
) -> None:
    from bcsearch.views.table import OPS

    noise = np.random.default_rng(1).integers(0, 256, shape)
    images = (noise * [1.0, 0.8, 0.6]).astype(np.uint8)  # with a cast, which some take away
    for name, row in OPS.items():
        if row.kind == "tta" and shape[1] != shape[2]:
            continue  # only squares are turned
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


@pytest.mark.parametrize("policy", POLICIES)
def test_strength_0_leaves_colours_and_the_policys_own_strength_is_a_half(policy: str) -> None:
    images = marked_images(8, colour=(1.0, 0.8, 1.2))
    np.testing.assert_array_equal(made(images, policy, 0, strength=0.0), images)
    cells = drawn_cells(4)
    assert not np.array_equal(made(cells, policy, 0, strength=0.0), cells)
    np.testing.assert_array_equal(made(cells, policy, 0, strength=0.5), made(cells, policy, 0))


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_changes_more_at_more_strength(policy: str) -> None:
    cells = np.repeat(drawn_cells(8), 8, axis=0)
    turned = made(cells, policy, 0, strength=0.0)
    changes = [mean_change(turned, made(cells, policy, 0, strength=each)) for each in (0.2, 0.5, 1)]
    assert 0.5 < changes[0] < changes[1] < changes[2]


@pytest.mark.parametrize("policy", POLICIES)
def test_images_without_colour_stay_without(policy: str) -> None:
    gray = np.repeat(drawn_cells(8).mean(axis=-1, keepdims=True).astype(np.uint8), 3, axis=-1)
    for copy in range(1, 12):
        view = made(gray, policy, 0, copy)
        assert (view == view[..., :1]).all()


def test_each_copy_of_the_varied_policy_shows_one_effect_until_all_were_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from bcsearch.views import augmentation

    shown: list[tuple[str, ...]] = []
    apply_steps = augmentation.apply_steps

    def spied(images: np.ndarray, steps: Sequence[str], *others: Any) -> np.ndarray:
        shown.append(tuple(steps))
        return apply_steps(images, steps, *others)

    monkeypatch.setattr(augmentation, "apply_steps", spied)
    images = drawn_cells(2)
    views = [made(images, "varied", 0, copy) for copy in range(1, 14)]
    assert {steps[:-1] for steps in shown} == {augmentation.ORIENTATION}
    assert len(set(shown)) == 11
    assert shown[11:] == shown[:2]
    assert len({view.tobytes() for view in views}) == 13


def test_images_of_a_fresh_copy_of_the_varied_policy_show_unlike_effects() -> None:
    images = np.repeat(drawn_cells(1), 40, axis=0)
    turned = made(images, "varied", 0, strength=0.0)
    stored, fresh = made(images, "varied", 0), made(images, "varied", 0, fresh=1.0)
    np.testing.assert_array_equal(made(images, "varied", 0, strength=0.0, fresh=1.0), turned)
    # one effect of unlike amounts, against some that move nothing and some that change all
    spreads = [np.abs(v.astype(float) - turned).mean(axis=(1, 2, 3)).std() for v in (stored, fresh)]
    assert spreads[1] > 1.5 * spreads[0]
    others = made(images, "varied", 0, copy=2, fresh=1.0)
    assert not np.array_equal(fresh, others)


def test_unknown_operation_gets_the_nearest_one_and_one_of_another_kind_is_refused() -> None:
    from bcsearch.views.operation import Kind
    from bcsearch.views.table import get_operation

    with pytest.raises(ConfigError, match="did you mean 'medium'"):
        get_operation("medim")
    with pytest.raises(ConfigError, match="'light' is of kind augment, preprocess is needed"):
        get_operation("light", Kind.PREPROCESS)
