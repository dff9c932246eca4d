from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("side", [24, 40])
def test_compiled_by_xla_a_pass_over_images_of_another_size_gives_the_same(side: int) -> None:
    from bcsearch.backbones.cuts import INPUT, POOLED, segment
    from bcsearch.backbones.resizing import resizing
    from bcsearch.backbones.weights import load_backbone, resolve_weights
    from bcsearch.features.forward import FrozenForward

    model = load_backbone(
        "efficientnet_lite0", 32, resolve_weights("efficientnet_lite0", "random"), seed=0
    )
    images = np.random.default_rng(0).integers(0, 256, (5, side, side, 3), np.uint8)
    plain, compiled = (
        np.concatenate(
            list(
                FrozenForward(
                    [segment(model, INPUT, POOLED)],
                    4,
                    images.dtype,
                    before=resizing(side, side, 32),
                    jit_compile=jit_compile,
                ).run(images)
            )
        )
        for jit_compile in (False, True)
    )
    assert plain.std() > 0
    np.testing.assert_allclose(
        plain, compiled, rtol=2e-3, atol=1e-3
    )  # both rounded to half precision
