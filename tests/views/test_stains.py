from __future__ import annotations

import numpy as np
import pytest

from bcsearch.recipe import Params
from bcsearch.views.stains import STAINS, fit_stains, restain

BLUE, PINK = (0.8, 0.5, 0.33), (0.1, 0.95, 0.3)


def stained_images(first: tuple[float, ...] = BLUE, second: tuple[float, ...] = PINK) -> np.ndarray:
    """Images (6, 40, 40, 3) of pixels with none to much of two stains."""
    amounts = np.random.default_rng(0).uniform(0, 1.5, (6, 40, 40, 2))
    amounts[:, :20, :20, 0] = amounts[:, 20:, 20:, 1] = amounts[:, :20, 20:] = 0
    light: np.ndarray = np.rint(255 * np.exp(-amounts @ np.array([first, second])))
    return light.astype(np.uint8)


def test_stains_of_images_are_found_and_spread_where_images_differ() -> None:
    alike = fit_stains([stained_images()])
    expected = [np.array(each) / np.linalg.norm(each) for each in (BLUE, PINK)]
    np.testing.assert_allclose(alike["stain_vectors"], np.concatenate(expected), atol=0.02)
    mixed = np.concatenate([stained_images(), stained_images((0.6, 0.5, 0.6))])
    spread = np.array(fit_stains([mixed])["stain_spread"])
    assert spread[2] > 2 * np.array(alike["stain_spread"])[2]


@pytest.mark.parametrize("level", [0, 255])
def test_images_without_stains_have_those_of_blood_films(level: int) -> None:
    assert fit_stains([np.full((3, 32, 32, 3), level, np.uint8)]) == STAINS


def test_stains_of_gray_images_are_those_of_blood_films() -> None:
    gray = stained_images().mean(axis=-1, keepdims=True)
    assert fit_stains([np.repeat(gray, 3, axis=-1).astype(np.uint8)]) == STAINS


def test_amount_0_leaves_an_image_and_the_unstained_ground_keeps_its_colour() -> None:
    image = stained_images()[0].astype(np.float32)
    random = np.random.default_rng(0)
    np.testing.assert_allclose(restain(image, 0.0, random), image, atol=0.01)
    ground = (image == 255).all(axis=-1)
    changed = restain(image, 1.0, random)
    np.testing.assert_allclose(changed[ground], 255, atol=0.5)
    assert np.abs(changed - image)[~ground].mean() > 5


@pytest.mark.slow
def test_stains_of_the_training_images_are_settings_of_their_views() -> None:
    from bcsearch.views.chosen import Views

    views = Views(stained_images(), seed=0)
    for strength in (0.5, 1.0):
        params = Params(augment="stain", views=3, augment_strength=strength)
        (_, first, second) = views.training(params)
        settings = dict(first.ops[0].settings)
        assert settings.pop("strength", 0.5) == strength
        assert settings == fit_stains([stained_images()])
        assert second.ops == first.ops
