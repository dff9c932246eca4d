from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bcsearch.errors import ConfigError

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from pathlib import Path

LITES = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
PARAMETERS = {  # of the networks without their top, as their papers and Keras count them
    "resnet18": 11_186_112,
    "resnet50v2": 23_564_800,
    "vgg19": 20_024_384,
    "mobilenetv3_small": 939_120,
    "mobilenetv3_large": 2_996_352,
    "efficientnet_b0": 4_049_571,
    "efficientnet_b7": 64_097_687,
    "efficientnetv2_b0": 5_919_312,
    "efficientnetv2_l": 117_746_848,
    "convnext_tiny": 27_820_128,
    "convnext_xlarge": 348_147_968,
}
SMALLEST = (
    "custom",
    LITES[0],
    "resnet18",
    "resnet50v2",
    "mobilenetv3_small",
    "efficientnet_b0",
    "convnext_tiny",
)


def names() -> tuple[str, ...]:
    from bcsearch.backbones.table import BACKBONES

    return tuple(BACKBONES)


def test_the_table_has_every_family() -> None:
    variants = {
        "efficientnet_b": "01234567",
        "efficientnetv2_": ("b0", *"sml"),
        "mobilenetv3_": ("small", "large"),
    }
    variants["convnext_"] = ("tiny", "small", "base", "large", "xlarge")
    expected = {prefix + variant for prefix, some in variants.items() for variant in some}
    assert set(names()) == expected | {"custom", *LITES, "resnet18", "resnet50v2", "vgg19"}


def test_an_unknown_name_gets_the_nearest_one() -> None:
    from bcsearch.backbones.table import get_backbone

    with pytest.raises(ConfigError, match=r"did you mean 'efficientnet_lite0'\?"):
        get_backbone("efficientnet_light0")


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_counted_without_making_weights(name: str) -> None:
    from bcsearch.backbones.table import count_parameters

    assert count_parameters(name) == PARAMETERS[name]


def test_outline_makes_no_weights_even_after_other_models_have_run() -> None:
    import keras

    from bcsearch.backbones.table import outline

    model = outline("efficientnet_lite1", 40)
    with keras.StatelessScope():
        pass  # as any stateless call does: Keras makes all pending weights as it ends
    assert all(variable._value is None for variable in model.variables)


def test_every_row_is_flat_and_names_its_layers_alike_each_time() -> None:
    import keras

    from bcsearch.backbones.table import outline

    for name in names():
        first, again = outline(name, 64), outline.__wrapped__(name, 64)
        layers = [operation.name for operation in first.operations]
        assert layers == [operation.name for operation in again.operations], name
        assert len(set(layers)) == len(layers), name
        assert not any(isinstance(operation, keras.Model) for operation in first.operations), name
        assert first.input_shape == (None, 64, 64, 3), name
        assert len(first.output_shape) == 2, name


@pytest.mark.parametrize("name", SMALLEST)
def test_every_family_turns_raw_images_into_one_row_of_features_each(name: str) -> None:
    from bcsearch.backbones.weights import load_backbone, resolve_weights

    model = load_backbone(name, 48, resolve_weights(name, "random"), seed=0)
    images = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 3), np.uint8)
    features = model.predict(images.astype(np.float32), verbose=0)
    assert features.ndim == 2
    assert np.isfinite(features).all()
    assert features.std() > 1e-6


PLUGIN = """
import keras
from bcsearch.backbones.backbone import Backbone

def build(image_size):
    image = keras.Input((image_size, image_size, 3), name="image")
    x = keras.layers.Conv2D(4, 3, name="conv")(image)
    return keras.Model(image, keras.layers.GlobalAveragePooling2D(name="pool")(x), name="tiny")

tiny = Backbone(name="tiny", build=build, natural_size=32)

def broken():
    raise RuntimeError("no such file")
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package that registers a sound and a broken backbone."""
    info = tmp_path / "tinynets-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tinynets\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[bcsearch.backbones]\ntiny = tinynets:tiny\nwrong = tinynets:broken\n"
    )
    (tmp_path / "tinynets.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "tinynets", raising=False)


def test_what_is_told_of_weights_without_keras_is_what_the_table_says() -> None:
    from bcsearch.backbones.at_hand import weights_here
    from bcsearch.backbones.table import BACKBONES

    for name, row in BACKBONES.items():
        told = "random"
        if row.pretrained is not None:
            told = "imagenet" if row.pretrained.at_hand() else "to be fetched"
        assert weights_here(name) == told, name
    assert weights_here("of another package") is None


@pytest.mark.usefixtures("plugin")
def test_a_backbone_of_another_package_is_one_of_ours() -> None:
    from bcsearch.backbones.cuts import cuts_of
    from bcsearch.backbones.table import backbone_names, get_backbone, weights_at_hand

    assert backbone_names() == (*names(), "tiny", "wrong")
    assert get_backbone("tiny").natural_size == 32
    assert weights_at_hand("tiny") == "random"
    assert [cut.name for cut in cuts_of("tiny", 32)] == ["input", "pooled"]


@pytest.mark.usefixtures("plugin")
def test_a_broken_package_is_named_when_its_backbone_is_asked_for() -> None:
    from bcsearch.backbones.table import get_backbone

    with pytest.raises(
        ConfigError,
        match=r"'wrong' of package tinynets cannot be loaded \(RuntimeError: no such file\)",
    ):
        get_backbone("wrong")
    assert get_backbone("custom").name == "custom"
