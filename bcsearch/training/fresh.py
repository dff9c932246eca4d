"""Makes what an epoch trains on where each has a view of its own, once for all folds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from bcsearch.backbones.cuts import INPUT
from bcsearch.plugins import row_of
from bcsearch.pool import start_pool
from bcsearch.seeds import derive_seed
from bcsearch.training.batch import numbers_of
from bcsearch.training.mixes import MIXES
from bcsearch.training.protocol import Check, Shown
from bcsearch.views.making import begin_views, make_view
from bcsearch.views.view import CHUNK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Executor

    from bcsearch.features.features import Features
    from bcsearch.recipe import Params
    from bcsearch.training.task import Task
    from bcsearch.views.chosen import Views

MIXED_TOGETHER = 64  # images: of so many, drawn anew in every epoch, each is mixed with another


@dataclass(slots=True, eq=False)
class FreshViews:
    """Makes the view of an epoch and puts it through the frozen part up to ``cut``.

    Nothing is kept but the processes that make views of large sets. An epoch of the same
    configuration and seed is the same bits, whatever came before it.
    """

    features: Features
    views: Views
    params: Params
    cut: str
    task: Task
    seed: int
    _pool: Executor | None = field(init=False)

    def __post_init__(self) -> None:
        self._pool = start_pool(self.features.processes_for(self.task.n_epochs), begin_views)

    def __call__(self, epoch: int, check: Check) -> Shown:
        """Return what an epoch trains on; ``check`` is called before each chunk of images."""
        view = self.views.fresh(self.params, epoch)
        chunks = _checked(make_view(self.features.images, view, self._pool), check)
        rows = np.unique(np.concatenate(self.task.train_rows))
        network = (self.params.backbone, self.params.image_size)
        targets = self.task.targets
        if self.params.mix != "none":
            pixels = self.features.pass_once(*network, INPUT, chunks, rows)
            self._mix(pixels, targets, epoch, check)
            starts = range(0, len(pixels), CHUNK)
            chunks = _checked((pixels[start : start + CHUNK] for start in starts), check)
        found = self.features.pass_once(*network, self.cut, chunks, rows)
        return Shown([found], targets)

    def _mix(self, pixels: np.ndarray, targets: np.ndarray, epoch: int, check: Check) -> None:
        """Mix images and their targets in place, each with one that the same folds train on."""
        mix = row_of(MIXES, self.params.mix, "bcsearch.mixes")
        numbers = numbers_of(self.params, 0.0)
        for number, group in enumerate(mixing_groups(self.task.train_rows, len(targets))):
            seed = derive_seed(self.seed, "mix", epoch, number)
            order = np.random.default_rng(seed).permutation(group)
            for start in range(0, len(order), MIXED_TOGETHER):
                check()
                rows = order[start : start + MIXED_TOGETHER]
                with tf.device("CPU"):
                    images = tf.constant(pixels[rows][np.newaxis], tf.float32)
                    labels = tf.constant(targets[rows][np.newaxis])
                    mixed = mix(images, labels, numbers, tf.constant([seed, start]))
                pixels[rows] = np.rint(np.clip(mixed.inputs[0], 0, 255)).astype(np.uint8)
                targets[rows] = mixed.targets[0]


def mixing_groups(train_rows: Sequence[np.ndarray], n_images: int) -> list[np.ndarray]:
    """Return the rows that are trained on, parted by the folds that do so.

    Mixed within a part, no image of a fold's validation is in what the fold trains on.
    """
    trains = np.zeros((n_images, len(train_rows)), bool)
    for fold, rows in enumerate(train_rows):
        trains[rows, fold] = True
    kinds, kind_of = np.unique(trains, axis=0, return_inverse=True)
    kind_of = kind_of.ravel()
    return [np.flatnonzero(kind_of == kind) for kind in range(len(kinds)) if kinds[kind].any()]


def _checked(chunks: Iterable[np.ndarray], check: Check) -> Iterator[np.ndarray]:
    """Call the check before each chunk."""
    for chunk in chunks:
        check()
        yield chunk
