"""Resizes images to the squares that a backbone takes."""

from __future__ import annotations

import keras


def resizing(height: int, width: int, side: int) -> keras.Model | None:
    """Return a model that makes images squares of ``side`` pixels; None where they are.

    Bilinear, with antialiasing, sides not in proportion. XLA cannot compile it, and it runs on the
    CPU wherever the rest does.
    """
    if (height, width) == (side, side):
        return None
    image = keras.Input((height, width, 3), name="image")
    resize = keras.layers.Resizing(
        side, side, interpolation="bilinear", antialias=True, name="resize"
    )
    return keras.Model(image, resize(image), name="resizing")


def with_resizing(model: keras.Model, height: int, width: int) -> keras.Model:
    """Return a backbone that takes images of another size."""
    before = resizing(height, width, model.input_shape[1])
    if before is None:
        return model
    return keras.Model(before.input, model(before.output), name=f"resized_{model.name}")
