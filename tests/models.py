"""Models that tests make: a backbone that takes images of another size."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def resized(backbone: keras.Model, height: int, width: int) -> keras.Model:
    """Return a backbone that takes images (n, height, width, 3)."""
    import keras

    from bcsearch.backbones.resizing import resizing

    before = resizing(height, width, backbone.input_shape[1])
    assert before is not None
    return keras.Model(before.input, backbone(before.output), name=f"resized_{backbone.name}")
