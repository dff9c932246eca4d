"""Makes whole views of a set of images, chunk by chunk, here or in other processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

from bcsearch.pool import in_order
from bcsearch.views.table import get_operation
from bcsearch.views.view import CHUNK, chunk_seed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

    from bcsearch.views.view import View

MEANING = 2  # raise it when the bytes of a view change


def make_view(images: np.ndarray, view: View, pool: Executor | None = None) -> Iterator[np.ndarray]:
    """Yield a view of images (n, height, width, 3), uint8, as consecutive chunks of the same form.

    The bytes depend on the images and the view only, never on ``pool``.

    Raises:
        ConfigError: there is no such operation.
    """
    starts = range(0, len(images), CHUNK)
    chunks = [np.asarray(images[start : start + CHUNK]) for start in starts]
    yield from in_order(pool, make_chunk, chunks, [view] * len(starts), starts)


def make_chunk(images: np.ndarray, view: View, start: int) -> np.ndarray:
    """Return a view of consecutive images, of which the first is number ``start`` of its set."""
    for op in view.ops:
        seed = chunk_seed(view, op, start)
        settings = {**dict(op.settings), "copy": view.copy}
        images = get_operation(op.name).run(images, settings, seed)
    return images


def begin_views() -> None:
    """Set up Keras in a process of a pool: it read the settings of the user's ``keras.json``."""
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
