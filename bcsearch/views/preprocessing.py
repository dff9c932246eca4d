"""Operations that every image goes through, in training and in use.

The same function makes the stored views and becomes a part of the exported model, so both see the
same pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from keras import ops

from bcsearch.views.operation import Kind, Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bcsearch.views.operation import Change
    from bcsearch.views.view import Setting

LUMA = (0.299, 0.587, 0.114)  # weights of red, green, blue in brightness, ITU-R BT.601


def grayscale(images: Any, settings: Mapping[str, Setting]) -> Any:
    """Return the brightness of each pixel in all three channels."""
    brightness = ops.sum(images * np.array(LUMA, np.float32), axis=-1, keepdims=True)
    return ops.repeat(brightness, 3, axis=-1)


def whole_pixels(images: Any) -> Any:
    """Clip to 0 to 255 and round, as stored views are."""
    return ops.round(ops.clip(images, 0.0, 255.0))


def run_change(change: Change, images: np.ndarray, settings: Mapping[str, Setting]) -> np.ndarray:
    """Apply a change to images (n, height, width, 3) uint8; return the same form."""
    with tf.device("CPU"):
        changed = whole_pixels(change(tf.constant(images, tf.float32), settings))
    pixels: np.ndarray = changed.numpy().astype(np.uint8)
    return pixels


def preprocessing(
    change: Change,
    *,
    family: str,
    doc: str,
    fit: Callable[[np.ndarray], Mapping[str, Setting]] | None = None,
) -> Operation:
    """Return the row of a preprocessing, given by a function of ``keras.ops``."""
    return Operation(
        kind=Kind.PREPROCESS,
        family=family,
        doc=doc,
        run=lambda images, settings, seed: run_change(change, images, settings),
        fit=fit,
        change=change,
    )


PREPROCESSING = {
    "grayscale": preprocessing(
        grayscale, family="colour", doc="Brightness alone: stains and cameras differ less in it."
    ),
}
