"""Processes that share work on arrays and end with the process that started them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Executor
    from multiprocessing.process import BaseProcess


def nothing() -> None:
    """Begin a process without settings."""


@contextmanager
def process_pool(
    n_processes: int, begin: Callable[[], None] = nothing
) -> Iterator[Executor | None]:
    """Yield processes, started when first used; None where one process or a daemon asks.

    ``begin``, a function of a module, is called in each of them first.
    """
    pool = start_pool(n_processes, begin)
    try:
        yield pool
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)


def start_pool(n_processes: int, begin: Callable[[], None] = nothing) -> Executor | None:
    """Return processes that end when nothing refers to them any more; see ``process_pool``."""
    if n_processes == 1 or multiprocessing.current_process().daemon:
        return None
    return ProcessPoolExecutor(
        n_processes,
        mp_context=multiprocessing.get_context("spawn"),  # a forked TensorFlow hangs
        initializer=_depend_on_parent,
        initargs=(begin,),
    )


def in_order(
    pool: Executor | None, function: Callable[..., Any], *columns: Sequence[Any]
) -> Iterator[Any]:
    """Yield what a function of a module returns for each row of ``columns``, as ``map`` does.

    Where there is no pool, or its processes died or cannot start, it is called here.
    """
    done = 0
    if pool is not None:
        try:
            for result in pool.map(function, *columns):
                yield result
                done += 1
        except BrokenProcessPool:
            pass
        else:
            return
    yield from map(function, *(column[done:] for column in columns))


def _depend_on_parent(begin: Callable[[], None]) -> None:
    """Leave Ctrl-C and every GPU to the parent, and end with it even where it is killed."""

    def end_with(parent: BaseProcess) -> None:
        parent.join()
        os._exit(1)

    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # read when TensorFlow first computes
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=end_with, args=(parent,), daemon=True).start()
    begin()
