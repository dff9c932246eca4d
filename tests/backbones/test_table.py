from __future__ import annotations

import numpy as np
import pytest

from bcsearch.errors import ConfigError

pytestmark = pytest.mark.slow

NAMES = ("custom", "efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")


def test_the_table_names_its_rows() -> None:
    from bcsearch.backbones.table import BACKBONES, get_backbone

    assert tuple(BACKBONES) == NAMES
    assert [get_backbone(name).name for name in NAMES] == list(NAMES)


def test_an_unknown_name_gets_the_nearest_one() -> None:
    from bcsearch.backbones.table import get_backbone

    with pytest.raises(ConfigError, match=r"did you mean 'efficientnet_lite0'\?"):
        get_backbone("efficientnet_light0")


@pytest.mark.parametrize(("name", "image_size"), [("custom", 32), ("custom", 50), (NAMES[1], 32), (NAMES[2], 50)])
def test_every_backbone_turns_raw_images_into_one_row_of_features_each(name: str, image_size: int) -> None:
    from bcsearch.backbones.weights import load_backbone, resolve_weights

    model = load_backbone(name, image_size, resolve_weights(name, "random"), seed=0)
    images = np.random.default_rng(0).integers(0, 256, (2, image_size, image_size, 3), np.uint8)
    features = model.predict(images, verbose=0)
    assert features.shape == (2, 512 if name == "custom" else 1280)
    assert np.isfinite(features).all()
    assert features.std() > 0.01
