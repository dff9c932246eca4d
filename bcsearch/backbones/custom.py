"""A small CNN that is trained whole: two blocks of convolutions with max-pooling. Imports keras."""

from __future__ import annotations

import keras
from keras import layers

BLOCK_FILTERS = (16, 32)
GRID = 4  # what is left of an image, in cells a side, before it is flattened


def build_custom(image_size: int, *, name: str) -> keras.Model:
    """Build the CNN with Keras' initial weights.

    Takes RGB of shape (batch, image_size, image_size, 3), 0 to 255, at least 16 a side; gives flattened features
    (batch, up to 512). Its dense layers are the head's.
    """
    image = keras.Input((image_size, image_size, 3), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(image)
    for index, filters in enumerate(BLOCK_FILTERS):
        for step in range(2):
            x = layers.Conv2D(
                filters, 3, padding="same", activation="relu", name=f"block{index}_conv{step}"
            )(x)
        x = layers.MaxPooling2D(2, name=f"block{index}_pool")(x)
    cell = -(-x.shape[1] // GRID)
    x = layers.AveragePooling2D(cell, padding="same", name="grid_pool")(x)
    return keras.Model(image, layers.Flatten(name="flatten")(x), name=name)
