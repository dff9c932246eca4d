"""Makes whole views of a set of images, chunk by chunk, inline or in processes. Imports the policies and numpy."""

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

import numpy as np

from bcsearch.augment.policies import make_view_chunk
from bcsearch.seeds import derive_seed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Executor
    from multiprocessing.process import BaseProcess

MEANING = 1  # raise it when the bytes of a view change
CHUNK = (
    256  # images seeded together; part of the meaning of a view, whatever the number of processes
)


def make_view(
    images: np.ndarray, policy: str, index: int, seed: int, pool: Executor | None = None
) -> Iterator[np.ndarray]:
    """Yield view ``index`` of images (n, height, width, 3), uint8, as consecutive chunks of the same form.

    View 0 is the original. The bytes depend on the first four arguments only, never on ``pool``.

    Raises:
        ConfigError: there is no such policy.
    """
    starts = range(0, len(images), CHUNK)
    chunks = [np.asarray(images[start : start + CHUNK]) for start in starts]
    if index == 0:
        return iter(chunks)
    seeds = [derive_seed(seed, "view", policy, index, start) for start in starts]
    if pool is None:
        return map(make_view_chunk, chunks, repeat(policy), seeds)
    return _map_in_pool(pool, policy, chunks, seeds)


@contextmanager
def view_pool(n_processes: int) -> Iterator[Executor | None]:
    """Give processes for ``make_view``, started when first used; None where one process or a daemon asks."""
    if n_processes == 1 or multiprocessing.current_process().daemon:
        yield None
        return
    pool = ProcessPoolExecutor(
        n_processes,
        mp_context=multiprocessing.get_context("spawn"),  # a forked TensorFlow hangs
        initializer=_depend_on_parent,
    )
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _depend_on_parent() -> None:
    """Leave Ctrl-C and every GPU to the parent, and end with it even where it is killed."""

    def end_with(parent: BaseProcess) -> None:
        parent.join()
        os._exit(1)

    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # read when TensorFlow first computes
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=end_with, args=(parent,), daemon=True).start()


def _map_in_pool(
    pool: Executor, policy: str, chunks: Sequence[np.ndarray], seeds: Sequence[int]
) -> Iterator[np.ndarray]:
    """Make chunks in processes; where those die or cannot start, make the rest here."""
    done = 0
    try:
        for made in pool.map(make_view_chunk, chunks, repeat(policy), seeds):
            yield made
            done += 1
    except BrokenProcessPool:
        yield from map(make_view_chunk, chunks[done:], repeat(policy), seeds[done:])
