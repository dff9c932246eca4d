"""How much of the machine's matrix-product rate training heads reaches, measured in turns."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from bcsearch.recipe import Params
from bcsearch.training.batches import Batches
from bcsearch.training.heads import HeadTrainer, load_features
from bcsearch.training.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable

N_FOLDS, N_IMAGES, N_FEATURES, N_CLASSES, BATCH_SIZE = 5, 4188, 1280, 8, 128
SQUARE = 2048  # rows and columns of the matrices whose product gives the machine's rate
WIDTHS = (256, 512, 1024)
ROUNDS = 5


def main() -> None:
    """Print rates in GFLOP/s: of whole epochs, of their products alone, of a large product."""
    large = _product(SQUARE, SQUARE, SQUARE)
    for units in WIDTHS:
        trainer, work = _trainer(units)
        same = _product(BATCH_SIZE, N_FEATURES, units, n_folds=N_FOLDS)
        calls = (
            (trainer, work),
            (same, 2 * N_FOLDS * BATCH_SIZE * N_FEATURES * units),
            (large, 2 * SQUARE**3),
        )
        rounds = [[_rate(call, flops) for call, flops in calls] for _ in range(ROUNDS)]
        heads, batch, square = (float(np.median(rates)) for rates in zip(*rounds, strict=True))
        print(f"heads of {units} units, batch {BATCH_SIZE}: {heads:.0f} GFLOP/s")
        print(f"  {heads / batch:.2f} of the products at that batch ({batch:.0f} GFLOP/s)")
        print(f"  {heads / square:.2f} of a product of {SQUARE}x{SQUARE} ({square:.0f} GFLOP/s)")


def _rate(call: Callable[[], object], work: float) -> float:
    """Return the median rate of calls that do ``work`` floating-point operations each."""
    seconds = []
    for _ in range(8):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return work / float(np.median(seconds)) / 1e9


def _product(rows: int, inner: int, columns: int, n_folds: int = 1) -> Callable[[], object]:
    left = tf.random.normal((n_folds, rows, inner))
    right = tf.random.normal((n_folds, inner, columns))
    multiply = tf.function(lambda: tf.matmul(left, right))
    return lambda: multiply().numpy()


def _trainer(units: int) -> tuple[Callable[[], object], float]:
    """Return a call that trains one epoch, and its floating-point operations.

    Features need no gradient, hidden units do.
    """
    random = np.random.default_rng(0)
    labels = random.integers(0, N_CLASSES, N_IMAGES)
    parts = random.permutation(N_IMAGES) % N_FOLDS
    task = Task(
        labels=labels,
        n_classes=N_CLASSES,
        train_rows=[np.flatnonzero(parts != fold) for fold in range(N_FOLDS)],
        valid_rows=[np.flatnonzero(parts == fold) for fold in range(N_FOLDS)],
    )
    features = load_features([random.normal(size=(N_IMAGES, N_FEATURES)).astype(np.float16)], task)
    params = Params(head_layers=1, units_1=units, dropout_1=0.2, batch_size=BATCH_SIZE)
    trainer = HeadTrainer(features, task, params, seed=0)
    trainer.train_epoch(0, 1e-3)
    rows = Batches(train_rows=task.train_rows, batch_size=BATCH_SIZE, seed=0).rows(0).size
    products = 2 * N_FEATURES * units + 3 * units * N_CLASSES
    return lambda: trainer.train_epoch(1, 1e-3), 2.0 * rows * products


if __name__ == "__main__":
    main()
