"""Keeps the variables of idle folds, so that k folds need one set of live ones."""

from __future__ import annotations

import os
import shutil
import weakref
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import TYPE_CHECKING

import numpy as np
import psutil

if TYPE_CHECKING:
    from collections.abc import Sequence

    import tensorflow as tf

PREFIX = "bcsearch-parked-"  # begins the names of folders; the process that made one follows
MEMORY_SHARE = 0.5  # of the memory that is free: what is larger is parked in files


class Parking:
    """The values of the same variables for each fold, in memory where they fit, else in files."""

    def __init__(
        self, variables: Sequence[tf.Variable], n_folds: int, free_bytes: int | None = None
    ) -> None:
        """Take the variables as they stand.

        ``free_bytes`` is the free memory, asked of the system by default.
        """
        self._variables = variables
        need = n_folds * sum(variable.numpy().nbytes for variable in variables)
        free = psutil.virtual_memory().available if free_bytes is None else free_bytes
        self._folder: Path | None = None
        if need > free * MEMORY_SHARE:
            _remove_left_behind()
            self._folder = Path(mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._kept: list[list[np.ndarray]] = [[] for _ in range(n_folds)]

    @property
    def in_files(self) -> bool:
        """Whether values are parked in files."""
        return self._folder is not None

    def park(self, fold: int) -> None:
        """Keep the live values as those of ``fold``."""
        self.replace(fold, [variable.numpy() for variable in self._variables])

    def wake(self, fold: int) -> None:
        """Make the kept values of ``fold`` the live ones."""
        for variable, value in zip(self._variables, self._kept[fold], strict=True):
            variable.assign(value)

    def kept(self, fold: int) -> list[np.ndarray]:
        """Return the kept values of ``fold``."""
        return self._kept[fold]

    def replace(self, fold: int, values: Sequence[np.ndarray]) -> None:
        """Keep other values as those of ``fold``."""
        self._kept[fold] = [self._hold(fold, index, value) for index, value in enumerate(values)]

    def _hold(self, fold: int, index: int, value: np.ndarray) -> np.ndarray:
        if self._folder is None:
            return value
        path = self._folder / f"{fold}-{index}.npy"
        np.save(path, value)
        kept: np.ndarray = np.load(path, mmap_mode="r")
        return kept


def _remove_left_behind() -> None:
    """Remove the folders of processes of this machine that were killed."""
    for folder in Path(gettempdir()).glob(f"{PREFIX}*"):
        process = folder.name.removeprefix(PREFIX).partition("-")[0]
        if process.isdigit() and not psutil.pid_exists(int(process)):
            shutil.rmtree(folder, ignore_errors=True)
