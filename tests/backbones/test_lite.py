from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.models import resized

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from pathlib import Path

RELOAD = """
import sys
import keras, numpy as np
model = keras.models.load_model(sys.argv[1])
np.save(sys.argv[3], model.predict(np.load(sys.argv[2]), verbose=0))
"""


@pytest.mark.parametrize(
    ("variant", "classes"),
    [(0, [442, 985]), (1, [698, 985]), (2, [442, 599])],  # bell cote or palace; daisy or honeycomb
)
def test_published_weights_name_the_sample_photographs(variant: int, classes: list[int]) -> None:
    from PIL import Image
    from sklearn.datasets import load_sample_image

    from bcsearch.backbones.lite_weights import read_tensors
    from bcsearch.backbones.weights import load_backbone, resolve_weights

    name = f"efficientnet_lite{variant}"
    weights = resolve_weights(name, "imagenet")
    photographs = [Image.fromarray(load_sample_image(file)) for file in ("china.jpg", "flower.jpg")]
    images = np.stack(
        [
            np.asarray(photograph.resize((224, 224), Image.Resampling.BICUBIC))
            for photograph in photographs
        ]
    )
    features = load_backbone(name, 224, weights, seed=0).predict(images, verbose=0)
    assert weights.path is not None
    tensors = read_tensors(weights.path)
    logits = features @ tensors["_fc.weight"].T + tensors["_fc.bias"]
    assert logits.argmax(axis=1).tolist() == classes


def test_parameters_are_counted() -> None:
    from bcsearch.backbones.table import count_parameters

    assert count_parameters("efficientnet_lite0") == 3_413_024  # as in the published file


def test_every_layer_has_a_name_of_its_own() -> None:
    from bcsearch.backbones.lite import build_lite

    twins = [build_lite(64, name="lite", width=1.0, depth=1.0) for _ in range(2)]
    names = [[layer.name for layer in twin.layers] for twin in twins]
    assert names[0] == names[1]


def test_a_saved_model_takes_native_images_in_a_fresh_process_without_bcsearch(
    tmp_path: Path,
) -> None:
    from bcsearch.backbones.weights import load_backbone, resolve_weights

    weights = resolve_weights("efficientnet_lite0", "auto")
    model = resized(load_backbone("efficientnet_lite0", 64, weights, seed=0), 40, 50)
    images = np.random.default_rng(0).integers(0, 256, (3, 40, 50, 3), np.uint8)
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "images.npy", images)
    files = [str(tmp_path / name) for name in ("model.keras", "images.npy", "features.npy")]
    subprocess.run(
        [sys.executable, "-c", RELOAD, *files], check=True, cwd=tmp_path, capture_output=True
    )
    np.testing.assert_allclose(
        np.load(files[2]), model.predict(images, verbose=0), rtol=1e-5, atol=1e-5
    )
