from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bcsearch.errors import ConfigError

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("custom", "efficientnet_lite0", "resnet18")


def test_facts_come_from_the_table_and_speed_from_this_machine(tmp_path: Path) -> None:
    from bcsearch.costs.catalog import describe_backbones

    custom, lite, _ = describe_backbones(NAMES, 32, tmp_path, measure=True)
    assert (custom.name, custom.natural_size, custom.weights) == ("custom", 96, "random")
    assert (lite.parameters, lite.natural_size, lite.weights) == (3_413_024, 224, "imagenet")
    assert [lite.cuts[0].trained, lite.cuts[-1].trained] == [1.0, 0.0]
    assert lite.cuts[0].shape == (32, 32, 3)
    assert lite.images_per_second is not None
    assert custom.images_per_second is not None


def test_speed_is_measured_once_a_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bcsearch.costs import catalog

    rates = iter([123.456, 99.0])
    monkeypatch.setattr(catalog, "_images_per_second", lambda *_: next(rates))
    asked = [{"measure": False}, {"measure": True}, {"measure": True}, {"measure": False}]
    found = [
        next(catalog.describe_backbones(["custom"], 32, tmp_path, **how)).images_per_second
        for how in asked
    ]
    assert found == [None, 123.5, 123.5, 123.5]
    monkeypatch.setattr("platform.node", lambda: "another")
    (other,) = catalog.describe_backbones(["custom"], 32, tmp_path, measure=True)
    assert other.images_per_second == 99.0


@pytest.mark.parametrize("damage", ["{", "[]", json.dumps({"a": "b"}), "KEY"])
def test_damaged_file_of_speeds_is_measured_anew(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bcsearch.costs import catalog

    path = tmp_path / "backbones.json"
    key = catalog.Catalog(path).key("custom", 32)
    path.write_text(json.dumps({key: {"cuts": [], "colour": "red"}}) if damage == "KEY" else damage)
    monkeypatch.setattr(catalog, "_images_per_second", lambda *_: 5.0)
    (found,) = catalog.describe_backbones(["custom"], 32, tmp_path, measure=True)
    assert found.images_per_second == 5.0


def test_unknown_name_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    from bcsearch.costs.catalog import describe_backbones

    with pytest.raises(ConfigError, match="did you mean 'resnet18'"):
        describe_backbones(["custom", "resnt18"], 32, tmp_path, measure=True)
    assert not list(tmp_path.iterdir())
