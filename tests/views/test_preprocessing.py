"""Every preprocessing gives the same pixels in stored views as in an exported model."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.slow


def images_of(n: int = 12) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 24, 24, 3), np.uint8)


def preprocessings() -> list[str]:
    from bcsearch.views.operation import Kind
    from bcsearch.views.table import OPS

    return [name for name, row in OPS.items() if row.kind is Kind.PREPROCESS]


def test_keras_model_of_each_gives_the_pixels_of_its_view(tmp_path) -> None:  # type: ignore[no-untyped-def] # Path
    import keras

    from bcsearch.recipe import Params
    from bcsearch.views.chosen import Views
    from bcsearch.views.making import make_chunk
    from bcsearch.views.preprocessing import whole_pixels
    from bcsearch.views.table import OPS

    images = images_of()
    for name in preprocessings():
        views = Views(lambda: images, seed=0)
        params = Params(preprocess=name)
        (applied,) = views.preprocessing(params)
        image = keras.Input((24, 24, 3))
        change = OPS[name].change
        assert change is not None
        model = keras.Model(image, whole_pixels(change(image, dict(applied.settings))))
        model.save(tmp_path / f"{name}.keras")
        again = keras.models.load_model(tmp_path / f"{name}.keras", safe_mode=True)
        stored = make_chunk(images, views.clean(params), 0)
        np.testing.assert_allclose(again.predict(images, verbose=0), stored, atol=1e-4)


def test_grayscale_has_three_equal_channels_of_the_brightness() -> None:
    from bcsearch.recipe import Params
    from bcsearch.views.chosen import Views
    from bcsearch.views.making import make_chunk

    images = images_of()
    gray = make_chunk(images, Views(lambda: images, 0).clean(Params(preprocess="grayscale")), 0)
    assert np.array_equal(gray[..., 0], gray[..., 2])
    expected = images @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(gray[..., 0], expected, atol=0.51)


def test_views_of_a_configuration_share_the_preprocessing_and_shifts_come_before_it() -> None:
    from bcsearch.recipe import Params
    from bcsearch.views.chosen import Views
    from bcsearch.views.view import Applied, View

    views = Views(images_of, seed=5)
    params = Params(preprocess="grayscale", augment="light", views=3)
    clean, first, second = views.training(params)
    gray = Applied("grayscale")
    assert clean == View((gray,))
    assert first == View((gray, Applied("light")), copy=1, seed=5)
    assert second.copy == 2
    jpeg = Applied("jpeg", (("severity", 3.0),))
    assert views.clean(params, [jpeg]) == View((jpeg, gray))
    assert views.training(Params()) == (View(),)


def test_statistics_are_fitted_once_on_the_training_images(monkeypatch) -> None:  # type: ignore[no-untyped-def] # MonkeyPatch
    from dataclasses import replace

    from bcsearch.recipe import Params
    from bcsearch.views import table
    from bcsearch.views.chosen import Views

    fitted: list[np.ndarray] = []

    def fit(images: np.ndarray) -> dict[str, float]:
        fitted.append(images)
        return {"mean": float(images.mean())}

    row = replace(table.OPS["grayscale"], fit=fit)
    monkeypatch.setitem(table.OPS, "grayscale", row)
    images = images_of()
    views = Views(lambda: images, seed=0)
    params = Params(preprocess="grayscale")
    assert views.training(params) == (views.clean(params),)
    assert dict(views.preprocessing(params)[0].settings) == {"mean": float(images.mean())}
    assert len(fitted) == 1
