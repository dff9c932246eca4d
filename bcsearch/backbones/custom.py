"""A small CNN that is trained whole: two blocks of convolutions with max-pooling."""

from __future__ import annotations

import keras
from keras import layers


def build_custom(image_size: int) -> keras.Model:
    """Build the CNN with Keras' initial weights.

    Takes RGB of shape (batch, image_size, image_size, 3), 0 to 255, at least 16 a side; gives
    flattened features (batch, up to 512). Its dense layers are the head's.
    """
    image = keras.Input((image_size, image_size, 3), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(image)
    for index, filters in enumerate((16, 32)):
        for step in range(2):
            name = f"block{index}_conv{step}"
            x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(x)
        x = layers.MaxPooling2D(2, name=f"block{index}_pool")(x)
    cell = -(-x.shape[1] // 4)  # four cells a side are left, or fewer
    x = layers.AveragePooling2D(cell, padding="same", name="grid_pool")(x)
    return keras.Model(image, layers.Flatten(name="flatten")(x), name="custom")
