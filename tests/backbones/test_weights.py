from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bcsearch.errors import ConfigError, WeightsError
from tests.models import resized

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from pathlib import Path

LITE = "efficientnet_lite0"


def test_auto_takes_imagenet_where_it_can_be_had() -> None:
    from bcsearch.backbones.weights import resolve_weights

    auto = resolve_weights(LITE, "auto")
    assert auto == resolve_weights(LITE, "imagenet")
    assert auto.kind == "imagenet"
    assert auto.warning is None
    assert len(auto.fingerprint) == 16


def test_auto_without_imagenet_is_random_with_a_warning_and_imagenet_refuses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from bcsearch.backbones import table
    from bcsearch.backbones.lite_weights import fetch_lite_weights
    from bcsearch.backbones.weights import resolve_weights

    row = table.BACKBONES[LITE]
    assert row.pretrained is not None
    nowhere = partial(fetch_lite_weights, "no_such_package")
    bare = replace(row, pretrained=replace(row.pretrained, fetch=nowhere))
    monkeypatch.setitem(table.BACKBONES, LITE, bare)
    auto = resolve_weights(LITE, "auto")
    assert auto.kind == "random"
    assert auto.warning is not None
    assert "RANDOM" in auto.warning
    with pytest.raises(WeightsError, match="install the package no-such-package"):
        resolve_weights(LITE, "imagenet")


def test_a_backbone_made_to_be_trained_whole_starts_from_random_weights_without_a_warning() -> None:
    from bcsearch.backbones.weights import resolve_weights

    assert resolve_weights("custom", "auto") == resolve_weights("custom", "random")
    assert resolve_weights("custom", "auto").warning is None
    with pytest.raises(
        WeightsError, match="nobody publishes imagenet weights for it; choose random"
    ):
        resolve_weights("custom", "imagenet")


def test_random_weights_depend_on_the_seed_alone() -> None:
    from bcsearch.backbones.weights import load_backbone, resolve_weights

    first, again, other = (
        load_backbone("custom", 32, resolve_weights("custom", "random"), s) for s in (1, 1, 2)
    )
    for a, b in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_saved_weights_are_taken_up_from_a_path(tmp_path: Path, suffix: str) -> None:
    from bcsearch.backbones.weights import load_backbone, resolve_weights

    saved = load_backbone("custom", 32, resolve_weights("custom", "random"), seed=5)
    path = tmp_path / f"mine{suffix}"
    saved.save_weights(path) if suffix == ".weights.h5" else saved.save(path)
    weights = resolve_weights("custom", str(path))
    assert weights.kind == "path"
    loaded = load_backbone("custom", 48, weights, seed=0)
    for a, b in zip(saved.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_whole_model_gives_its_backbone(tmp_path: Path) -> None:
    import keras

    from bcsearch.backbones.weights import load_backbone, resolve_weights

    saved = load_backbone("custom", 32, resolve_weights("custom", "random"), seed=5)
    outer = resized(saved, 40, 40)
    path = tmp_path / "whole.keras"
    keras.Model(outer.input, keras.layers.Dense(3)(outer.output)).save(path)
    loaded = load_backbone("custom", 32, resolve_weights("custom", str(path)), seed=0)
    np.testing.assert_array_equal(saved.get_weights()[0], loaded.get_weights()[0])


def write_lite_weights(path: Path) -> None:
    from bcsearch.backbones.weights import load_backbone, resolve_weights

    model = load_backbone(LITE, 32, resolve_weights(LITE, "random"), seed=0)
    model.save_weights(path) if path.suffix == ".h5" else model.save(path)


def write_junk(path: Path) -> None:
    path.write_bytes(b"junk" * 100)


@pytest.mark.parametrize("name", ["bad.weights.h5", "bad.keras"])
@pytest.mark.parametrize("write", [write_lite_weights, write_junk])
def test_damaged_weights_and_those_of_another_backbone_give_one_line(
    tmp_path: Path, name: str, write: object
) -> None:
    from bcsearch.backbones.weights import resolve_weights

    path = tmp_path / name
    write(path)  # type: ignore[operator]  # either of the two above
    with pytest.raises(WeightsError, match="do not fit backbone custom or are damaged") as raised:
        resolve_weights("custom", str(path))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("backbone", "weights", "error", "said"),
    [
        ("custom", "missing.keras", WeightsError, "does not exist"),
        ("custom", "imagnet", WeightsError, "allowed: auto, imagenet, random"),
        ("costum", "auto", ConfigError, "did you mean 'custom'"),
    ],
)
def test_weights_that_cannot_be_had_give_one_line(
    backbone: str, weights: str, error: type[Exception], said: str
) -> None:
    from bcsearch.backbones.weights import resolve_weights

    with pytest.raises(error, match=said):
        resolve_weights(backbone, weights)
