"""Operations of test-time augmentation, as pixels and as a part of a model."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.slow

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3)).astype(np.uint8)
EXPECTED = {
    "mirror": IMAGES[:, :, ::-1],
    "upside_down": IMAGES[:, ::-1],
    "quarter_turn": np.rot90(IMAGES, 1, axes=(1, 2)),
    "half_turn": np.rot90(IMAGES, 2, axes=(1, 2)),
    "three_quarter_turn": np.rot90(IMAGES, -1, axes=(1, 2)),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_turned_and_mirrored_images_have_the_same_pixels_elsewhere(name: str) -> None:
    from bcsearch.views.tta import TTA_OPERATIONS

    found = TTA_OPERATIONS[name].run(IMAGES, {}, 0)
    np.testing.assert_array_equal(found, EXPECTED[name])


def test_nearer_image_shows_the_middle_in_the_same_size() -> None:
    from bcsearch.views.tta import TTA_OPERATIONS

    image = np.zeros((1, 40, 40, 3), np.uint8)
    image[:, 4:36, 4:36] = 200
    image[:, 19:21, 19:21] = 20
    (found,) = TTA_OPERATIONS["nearer"].run(image, {}, 0)
    assert found.shape == (40, 40, 3)
    assert found.min() < 100
    assert (found[0] > 150).all()  # the dark border is cut off


def test_every_set_is_made_of_operations_of_the_table() -> None:
    from bcsearch.views.table import get_operation
    from bcsearch.views.tta import TTA_OPERATIONS, TTA_SETS

    assert {name for names in TTA_SETS.values() for name in names} == set(TTA_OPERATIONS)
    assert {get_operation(name).kind.value for name in TTA_OPERATIONS} == {"tta"}
