"""Every preprocessing gives the same pixels in stored views as in an exported model."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bcsearch.recipe import BY_NAME, Names, Params

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from collections.abc import Iterable

    import keras

    from bcsearch.views.chosen import Views

DOMAIN = BY_NAME["preprocess"].domain
assert isinstance(DOMAIN, Names)
ALONE = [name for name in DOMAIN.names if name != "none"]
JOINED = [
    "circle+two_point+grayscale",
    "two_point+circle+green",
    "reinhard+circle",
    "gray_world+standardize+background_white",
    "+".join(reversed(ALONE)),
]
RELOAD = """
import sys
from pathlib import Path
import keras, numpy as np
folder = Path(sys.argv[1])
images = np.load(folder / "images.npy")
for path in sorted(folder.glob("*.keras")):
    model = keras.models.load_model(path, safe_mode=True)
    np.save(path.with_suffix(".npy"), model.predict(images, batch_size=7, verbose=0))
assert not any(name.startswith(("bcsearch", "keras_cv")) for name in sys.modules)
"""


def images_of(n: int = 12, height: int = 24, width: int = 24, seed: int = 0) -> np.ndarray:
    """Return noisy dark discs on bright grounds, every image in colours of its own."""
    random = np.random.default_rng(seed)
    down, across = np.mgrid[:height, :width]
    distance = np.hypot(down - height / 2, across - width / 2) / min(height, width)
    inside = distance[None] < random.uniform(0.15, 0.4, (n, 1, 1))
    ground = random.uniform(150, 245, (n, 1, 1, 3))
    cell = random.uniform(10, 120, (n, 1, 1, 3))
    clean = np.where(inside[..., None], cell, ground)
    return np.clip(clean + random.normal(0, 12, clean.shape), 0, 255).astype(np.uint8)


def view_of(images: np.ndarray, preprocess: str, views: Views | None = None) -> np.ndarray:
    """Return the clean view of images, by default with their own statistics."""
    from bcsearch.views.chosen import Views
    from bcsearch.views.making import make_chunk

    views = views or Views(images, seed=0)
    return make_chunk(images, views.clean(Params(preprocess=preprocess)), 0)


def small_backbone() -> keras.Model:
    import keras

    keras.utils.set_random_seed(0)
    image = keras.Input((24, 24, 3))
    hidden = keras.layers.Rescaling(1 / 60, offset=-2.0)(image)
    hidden = keras.layers.Conv2D(16, 3, strides=2, activation="relu")(hidden)
    return keras.Model(image, keras.layers.GlobalAveragePooling2D()(hidden))


def test_exported_model_gives_the_answers_of_the_trained_one_with_each_alone_and_joined(
    tmp_path: Path,
) -> None:
    from bcsearch.training.assembled import Member, assembled
    from bcsearch.training.fold_weights import FoldWeights, Scaling
    from bcsearch.training.keras_head import keras_head
    from bcsearch.views.chosen import Views

    backbone, images = small_backbone(), images_of(40)
    kernel = np.random.default_rng(0).normal(0, 0.5, (16, 4)).astype(np.float32)
    np.save(tmp_path / "images.npy", images)
    trained = {}
    for preprocess in [*ALONE, *JOINED]:
        views = Views(images, seed=0)
        features = backbone.predict(view_of(images, preprocess, views), verbose=0)
        scaling = Scaling(mean=features.mean(axis=0), scale=1 / (features.std(axis=0) + 0.01))
        weights = FoldWeights(scaling=scaling, kernels=[kernel], biases=[np.zeros(4, np.float32)])
        params = Params(preprocess=preprocess, image_size=24, head_layers=0)
        trained[preprocess] = keras_head(params, weights).predict(features, verbose=0)
        applied = views.preprocessing(params)
        assert [each.name for each in applied] == preprocess.split("+")
        member = Member(applied, 24, backbone, keras_head(params, weights))
        model = assembled([member], (24, 24))
        model.save(tmp_path / f"{preprocess}.keras")
    subprocess.run([sys.executable, "-c", RELOAD, str(tmp_path)], check=True)
    for preprocess, expected in trained.items():
        answers = np.load(tmp_path / f"{preprocess}.npy")
        np.testing.assert_allclose(answers, expected, rtol=0, atol=1e-4, err_msg=preprocess)
        assert answers.std(axis=0).min() > 0.02, preprocess  # images differ


@pytest.mark.parametrize("preprocess", [*ALONE, *JOINED])
def test_any_size_of_image_goes_through_and_flat_ones_too(preprocess: str) -> None:
    from bcsearch.views.chosen import Views

    for size in [(32, 32), (20, 30), (512, 512)]:
        images = images_of(3, *size)
        flat = np.full((1, *size, 3), 77, np.uint8)
        views = Views(images, seed=0)
        for given in (images, flat):
            view = view_of(given, preprocess, views)
            assert (view.shape, view.dtype) == (given.shape, given.dtype)


def test_readme_says_of_each_what_it_does() -> None:
    from bcsearch.views.preprocessing import PREPROCESSING

    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    lines = [f"| `{name}` | {row.doc} |" for name, row in PREPROCESSING.items()]
    assert "\n".join(lines) in readme


def test_grayscale_has_three_equal_channels_of_the_brightness_and_green_those_of_green() -> None:
    images = images_of()
    gray, green = view_of(images, "grayscale"), view_of(images, "green")
    assert np.array_equal(gray[..., 0], gray[..., 2])
    expected = images @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(gray[..., 0], expected, atol=0.51)
    assert np.array_equal(green, np.repeat(images[..., 1:2], 3, axis=-1))


def test_circle_keeps_what_is_inside_its_radius_and_fills_the_rest_with_the_background() -> None:
    from bcsearch.views.chosen import Views
    from bcsearch.views.making import make_chunk

    images = images_of(height=40, width=60)
    ground = np.median(np.percentile(images.reshape(len(images), -1, 3), 90, axis=1), axis=0)
    down, across = np.mgrid[:40, :60]
    distance = np.hypot(down - 19.5, across - 29.5) / 20
    for radius in (0.5, 1.0):
        params = Params(preprocess="circle", circle_radius=radius)
        view = make_chunk(images, Views(images, 0).clean(params), 0)
        inside = distance < radius - 0.06  # half of the soft edge, and less than a pixel
        outside = distance > radius + 0.06
        np.testing.assert_array_equal(view[:, inside], images[:, inside])
        assert np.ptp(view[:, outside].astype(int), axis=(0, 1)).max() == 0
        np.testing.assert_allclose(view[0, 0, 0], ground, atol=3)


@pytest.mark.parametrize(
    ("preprocess", "tolerance"),
    [("two_point", 3), ("standardize", 3), ("background_white", 5)],
)
def test_another_lamp_makes_no_difference(preprocess: str, tolerance: float) -> None:
    from bcsearch.views.chosen import Views

    images = images_of()
    views = Views(images, seed=0)
    lamp = np.array([0.8, 0.7, 0.9])
    plain = view_of(images, preprocess, views).astype(float)
    other = view_of((images * lamp).round().astype(np.uint8), preprocess, views).astype(float)
    unclipped = (plain > 5) & (plain < 250) & (images > 5)
    assert unclipped.mean() > 0.5
    assert np.abs(plain - other)[unclipped].mean() < tolerance / 3
    assert np.percentile(np.abs(plain - other)[unclipped], 99) <= tolerance
    assert np.abs(images * lamp - images).mean() > 20


def test_two_colours_of_each_image_become_those_of_the_training_images() -> None:
    from bcsearch.views.chosen import Views

    images, others = images_of(), images_of(seed=1)
    (applied,) = Views(images, 0).preprocessing(Params(preprocess="two_point"))
    view = view_of(others, "two_point", Views(images, 0)).reshape(len(others), -1, 3)
    for share, name in ((1, "darkest"), (90, "background")):
        wanted = np.median(np.percentile(images.reshape(len(images), -1, 3), share, axis=1), axis=0)
        found = dict(applied.settings)[name]
        np.testing.assert_allclose(found, wanted, atol=3)
        expected = np.broadcast_to(found, (len(others), 3))
        np.testing.assert_allclose(np.percentile(view, share, axis=1), expected, atol=3)


def test_white_background_gray_world_and_standard_spread_are_what_they_say() -> None:
    images = images_of()
    white = view_of(images, "background_white").reshape(len(images), -1, 3)
    np.testing.assert_allclose(np.percentile(white, 92, axis=1), 255, atol=1)
    channels = view_of(images, "gray_world").mean(axis=(1, 2))
    assert np.ptp(channels, axis=1).max() < 8  # what is clipped
    assert np.ptp(images.mean(axis=(1, 2)), axis=1).max() > 30
    standard = view_of(images, "standardize").astype(float)
    unclipped = standard.min(axis=(1, 2)) > 0
    assert unclipped.mean() > 0.5
    np.testing.assert_allclose(standard.mean(axis=(1, 2))[unclipped], 127.5, atol=0.5)
    np.testing.assert_allclose(standard.std(axis=(1, 2))[unclipped], 40, atol=0.5)


def test_reinhard_measures_lab_as_the_world_does_and_moves_its_mean_and_spread() -> None:
    from bcsearch.views.chosen import Views

    def fitted(images: np.ndarray) -> dict[str, np.ndarray]:
        (applied,) = Views(images, 0).preprocessing(Params(preprocess="reinhard"))
        return {name: np.array(value) for name, value in applied.settings}

    known = {  # CIE LAB of sRGB under D65
        (255, 0, 0): (53.24, 80.09, 67.20),
        (0, 0, 255): (32.30, 79.19, -107.86),
        (255, 255, 255): (100.0, 0.0, 0.0),
        (0, 0, 0): (0.0, 0.0, 0.0),
        (119, 119, 119): (50.03, 0.0, 0.0),
    }
    for colour, lab in known.items():
        flat = np.full((1, 8, 8, 3), colour, np.uint8)
        np.testing.assert_allclose(fitted(flat)["mean"] - [16, 0, 0], lab, atol=0.1)
        np.testing.assert_allclose(fitted(flat)["spread"], 0, atol=0.01)
    images = images_of()
    views = Views(images, 0)
    for other in images_of(4, seed=1)[:, None]:
        moved = fitted(view_of(other // 2 + 40, "reinhard", views))
        np.testing.assert_allclose(moved["mean"], fitted(images)["mean"], atol=4)
        np.testing.assert_allclose(moved["spread"], fitted(images)["spread"], atol=4)


def test_statistics_are_of_images_after_the_operations_before() -> None:
    from bcsearch.views.chosen import Views

    images = images_of()
    alone = dict(Views(images, 0).preprocessing(Params(preprocess="two_point"))[0].settings)
    gray, after = Views(images, 0).preprocessing(Params(preprocess="grayscale+two_point"))
    assert gray.settings == ()
    (expected,) = Views(view_of(images, "grayscale"), 0).preprocessing(
        Params(preprocess="two_point")
    )
    assert after == expected
    assert dict(after.settings) != alone
    assert not np.array_equal(
        view_of(images, "grayscale+two_point"), view_of(images, "two_point+grayscale")
    )


def test_views_of_a_configuration_share_the_preprocessing_and_shifts_come_before_it() -> None:
    from bcsearch.views.chosen import Views
    from bcsearch.views.view import Applied, View

    views = Views(images_of(), seed=5)
    params = Params(preprocess="grayscale", augment="light", views=3)
    clean, first, second = views.training(params)
    gray = Applied("grayscale")
    assert clean == View((gray,))
    assert first == View((gray, Applied("light")), copy=1, seed=5)
    assert second.copy == 2
    jpeg = Applied("jpeg", (("severity", 3.0),))
    assert views.clean(params, [jpeg]) == View((jpeg, gray))
    assert views.training(Params()) == (View(),)


def test_statistics_are_fitted_once_on_few_images_at_a_time_of_those_to_train_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from bcsearch.views import chosen, table

    fitted: list[np.ndarray] = []

    def fit(chunks: Iterable[np.ndarray]) -> dict[str, float]:
        fitted.extend(chunks)
        return {"mean": float(np.concatenate(fitted).mean())}

    row = replace(table.OPS["grayscale"], fit=fit)
    monkeypatch.setitem(table.OPS, "grayscale", row)
    monkeypatch.setattr(chosen, "FIT_IMAGES", 150)
    monkeypatch.setattr(chosen, "FIT_CHUNK", 64)
    images = np.arange(400, dtype=np.uint32).view(np.uint8).reshape(400, 2, 2, 1).repeat(3, -1)
    rows = np.arange(0, 400, 2)
    params = Params(preprocess="grayscale")
    views = chosen.Views(images, 0, rows)
    assert views.training(params) == (views.clean(params),)
    assert [len(chunk) for chunk in fitted] == [64, 64, 22]
    seen = {image.tobytes() for chunk in fitted for image in chunk}
    assert len(seen) == 150
    assert seen <= {image.tobytes() for image in images[rows]}
    first = fitted.copy()
    fitted.clear()
    chosen.Views(images, 0, rows).preprocessing(params)
    np.testing.assert_array_equal(np.concatenate(fitted), np.concatenate(first))
