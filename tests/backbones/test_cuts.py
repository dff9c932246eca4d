"""Cuts of every family: prefix and suffix together are the whole backbone."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    import keras

    from bcsearch.backbones.cuts import Cut

SIDE = 48
EVERY_CUT = (  # the smallest of each family
    "custom", "efficientnet_lite0", "resnet18", "resnet50v2", "vgg19", "mobilenetv3_small",
    "efficientnet_b0", "efficientnetv2_b0", "convnext_tiny",
)  # fmt: skip
ONE_CUT = (
    "efficientnet_lite1", "efficientnet_lite2", "mobilenetv3_large", "efficientnet_b1",
    "efficientnet_b2", "efficientnet_b3", "efficientnet_b4", "efficientnet_b5",
    "efficientnetv2_s", "convnext_small", "convnext_base",
)  # fmt: skip
OUTLINED = (  # too large to build in a test: their cuts are checked on the graph alone, below
    "efficientnet_b6", "efficientnet_b7", "efficientnetv2_m", "efficientnetv2_l",
    "convnext_large", "convnext_xlarge",
)  # fmt: skip
IMAGES = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3)).astype(np.float32)


def loaded(name: str, side: int = SIDE) -> tuple[keras.Model, tuple[Cut, ...]]:
    from bcsearch.backbones.cuts import cuts_of
    from bcsearch.backbones.weights import load_backbone, resolve_weights

    model = load_backbone(name, side, resolve_weights(name, "random"), seed=0)
    for layer in model.layers:
        if hasattr(layer, "gamma") and type(layer).__name__ == "LayerScale":
            layer.gamma.assign(
                np.full(layer.gamma.shape, 0.5)
            )  # Keras's 1e-6 would hide all that a block does
    return model, cuts_of(name, side)


def test_every_backbone_is_cut_here() -> None:
    from bcsearch.backbones.table import BACKBONES

    assert {*EVERY_CUT, *ONE_CUT, *OUTLINED} == set(BACKBONES)


@pytest.mark.parametrize("name", EVERY_CUT)
def test_running_from_cut_to_cut_is_running_the_whole(name: str) -> None:
    from bcsearch.backbones.cuts import segment

    model, cuts = loaded(name)
    hidden, above = IMAGES, [model.count_params()]
    for start, end in pairwise(cuts):
        part = segment(model, start.name, end.name)
        hidden = np.asarray(part(hidden, training=False))
        assert hidden.shape[1:] == end.shape
        above.append(above[-1] - part.count_params())
    np.testing.assert_allclose(
        hidden, model(IMAGES, training=False), rtol=0, atol=1e-5
    )  # measured: 0
    assert above[-1] == 0
    for cut, expected in zip(cuts, above, strict=True):
        assert cut.fraction == pytest.approx(expected / model.count_params())


@pytest.mark.parametrize("name", [*EVERY_CUT[1:], *ONE_CUT])
def test_trainable_copy_of_a_suffix_gives_what_the_backbone_gives(name: str) -> None:
    from bcsearch.backbones.cuts import segment
    from bcsearch.training.suffix_graph import trainable_copy

    model, cuts = loaded(name)
    middle = cuts[len(cuts) // 2].name
    hidden = segment(model, "input", middle)(IMAGES, training=False)
    suffix = trainable_copy(
        segment(model, middle, "pooled"), batch_norm="frozen", precision="float32", seed=0
    )
    found = suffix(hidden, training=False)
    np.testing.assert_allclose(
        found, model(IMAGES, training=False), rtol=0, atol=1e-5
    )  # measured: 0


@pytest.mark.parametrize("name", ["efficientnet_lite0", "convnext_tiny"])
def test_pooling_is_the_average_or_the_maximum_with_all_that_follows_or_both(name: str) -> None:
    import keras

    from bcsearch.backbones.cuts import POOLED_BY, cuts_of, segment

    side = 64  # at which more than one place is left
    images = np.random.default_rng(0).integers(0, 256, (2, side, side, 3)).astype(np.float32)
    model, (*_, middle, _) = loaded(name, side)
    found = {}
    for pooling, end in POOLED_BY.items():
        hidden = segment(model, "input", middle.name)(images, training=False)
        found[pooling] = np.asarray(segment(model, middle.name, end)(hidden, training=False))
        assert found[pooling].shape[1:] == cuts_of(name, side, pooling)[-1].shape
    np.testing.assert_array_equal(found["both"], np.hstack([found["average"], found["max"]]))
    np.testing.assert_allclose(found["average"], model(images, training=False), atol=1e-5)
    pools = [
        place
        for place, layer in enumerate(model.layers)
        if isinstance(layer, keras.layers.GlobalAveragePooling2D)
    ]
    places = keras.Model(model.input, model.layers[pools[-1]].input)(images, training=False)
    expected = np.asarray(places).max(axis=(1, 2))
    for layer in model.layers[pools[-1] + 1 :]:
        expected = layer(expected)
    np.testing.assert_allclose(found["max"], expected, atol=1e-5)
    assert np.abs(found["max"] - found["average"]).max() > 0.01


def test_every_backbone_but_the_custom_one_may_be_pooled_otherwise() -> None:
    from bcsearch.backbones.pooling import may_pool
    from bcsearch.backbones.table import BACKBONES

    assert [name for name in BACKBONES if not may_pool(name)] == ["custom"]


def test_every_backbone_has_cuts_in_order_that_are_the_same_places_at_every_size() -> None:
    from bcsearch.backbones.cuts import cuts_of
    from bcsearch.backbones.table import BACKBONES, get_backbone

    for name in BACKBONES:
        small, large = cuts_of(name, 64), cuts_of(name, get_backbone(name).natural_size)
        assert (small[0].name, small[-1].name) == ("input", "pooled"), name
        fractions = [cut.fraction for cut in small]
        assert fractions == sorted(set(fractions), reverse=True), name
        assert (fractions[0], fractions[-1]) == (1.0, 0.0), name
        assert [cut.name for cut in small] == [cut.name for cut in large], name
        assert all(a.size <= b.size for a, b in zip(small, large, strict=True)), name


def test_of_near_places_the_smallest_tensor_is_taken() -> None:
    from bcsearch.backbones.cuts import cuts_of

    cuts = {cut.name: cut for cut in cuts_of("efficientnet_b0", 224)}
    assert cuts["block6a_project_bn"].shape == (7, 7, 192)
    assert not any("expand" in name for name in cuts)  # six times the channels
