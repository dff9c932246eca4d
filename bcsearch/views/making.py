"""Makes whole views of a set of images, chunk by chunk, here or in other processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import repeat
from typing import TYPE_CHECKING

import keras
import numpy as np

from bcsearch.seeds import derive_seed
from bcsearch.views.table import get_operation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor
    from multiprocessing.process import BaseProcess

    from bcsearch.views.view import View

MEANING = 2  # raise it when the bytes of a view change
CHUNK = 256  # images seeded together; part of the meaning of a view


def make_view(images: np.ndarray, view: View, pool: Executor | None = None) -> Iterator[np.ndarray]:
    """Yield a view of images (n, height, width, 3), uint8, as consecutive chunks of the same form.

    The bytes depend on the images and the view only, never on ``pool``.

    Raises:
        ConfigError: there is no such operation.
    """
    starts = range(0, len(images), CHUNK)
    chunks = [np.asarray(images[start : start + CHUNK]) for start in starts]
    if pool is None:
        yield from map(make_chunk, chunks, repeat(view), starts)
        return
    done = 0
    try:
        for made in pool.map(make_chunk, chunks, repeat(view), starts):
            yield made
            done += 1
    except BrokenProcessPool:  # the processes died or cannot start: the rest is made here
        yield from map(make_chunk, chunks[done:], repeat(view), starts[done:])


def make_chunk(images: np.ndarray, view: View, start: int) -> np.ndarray:
    """Return a view of consecutive images, of which the first is number ``start`` of its set."""
    for op in view.ops:
        seed = derive_seed(view.seed, "view", op.name, view.copy, start)
        settings = {**dict(op.settings), "copy": view.copy}
        images = get_operation(op.name).run(images, settings, seed)
    return images


@contextmanager
def view_pool(n_processes: int) -> Iterator[Executor | None]:
    """Yield processes for ``make_view``, started when first used.

    None where one process or a daemon asks.
    """
    pool = start_pool(n_processes)
    try:
        yield pool
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)


def start_pool(n_processes: int) -> Executor | None:
    """Return processes for ``make_view``, which end when nothing refers to them any more.

    See ``view_pool``.
    """
    if n_processes == 1 or multiprocessing.current_process().daemon:
        return None
    return ProcessPoolExecutor(
        n_processes,
        mp_context=multiprocessing.get_context("spawn"),  # a forked TensorFlow hangs
        initializer=_depend_on_parent,
    )


def _depend_on_parent() -> None:
    """Leave Ctrl-C and every GPU to the parent, and end with it even where it is killed.

    Keras was imported here with the settings of the user's ``keras.json``.
    """

    def end_with(parent: BaseProcess) -> None:
        parent.join()
        os._exit(1)

    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # read when TensorFlow first computes
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=end_with, args=(parent,), daemon=True).start()
