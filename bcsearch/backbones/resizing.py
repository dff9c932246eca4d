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
    return keras.Model(image, resize(image), name=f"resizing_{side}")
