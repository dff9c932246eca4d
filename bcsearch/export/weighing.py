"""What a finished model costs: milliseconds an image, megabytes of weights."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    import keras

BATCH = 32  # images
RUNS = 3  # of which the median counts


def milliseconds_of(model: keras.Model) -> float:
    """Return how long a model takes for an image, in batches of 32, on this machine now."""
    images = np.random.default_rng(0).integers(0, 256, (BATCH, *model.input_shape[1:]))
    batch = tf.constant(images, tf.uint8)
    forward = tf.function(lambda seen: model(seen, training=False))
    forward(batch)  # is traced
    taken = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        np.asarray(forward(batch))
        taken.append(time.perf_counter() - begun)
    return 1000 * median(taken) / BATCH


def megabytes_of(model: keras.Model) -> float:
    """Return the size of a model's weights in megabytes, each counted once."""
    weights = {id(weight): weight for weight in model.weights}
    return sum(np.asarray(each).nbytes for each in weights.values()) / 1e6
