"""How much of the machine's matrix-product rate training heads reaches, both measured in turns. Imports tensorflow."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from bcsearch.records import Params
from bcsearch.training.heads import HeadTrainer, load_features
from bcsearch.training.loop import Task

if TYPE_CHECKING:
    from collections.abc import Callable

N_FOLDS, N_IMAGES, N_FEATURES, N_CLASSES = 5, 4188, 1280, 8
SQUARE = 2048  # rows and columns of the matrices whose product gives the machine's rate
WIDTHS = (256, 512, 1024)
ROUNDS = 5


def main() -> None:
    """Print the rate of plain products and of whole training epochs at batch 128, in GFLOP/s, and their ratio."""
    product = _product()
    for units in WIDTHS:
        trainer, work = _trainer(units)
        pairs = [(_rate(product, 2 * SQUARE**3), _rate(trainer, work)) for _ in range(ROUNDS)]
        plain, heads = (float(np.median(rates)) for rates in zip(*pairs, strict=True))
        print(f"heads of {units}: {heads:.0f} of {plain:.0f} GFLOP/s, ratio {heads / plain:.2f}")


def _rate(call: Callable[[], object], work: float) -> float:
    """Return the median rate of calls that do ``work`` floating-point operations each."""
    seconds = []
    for _ in range(4):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return work / float(np.median(seconds)) / 1e9


def _product() -> Callable[[], object]:
    matrix = tf.random.normal((SQUARE, SQUARE))
    multiply = tf.function(lambda: tf.matmul(matrix, matrix))
    return lambda: multiply().numpy()


def _trainer(units: int) -> tuple[Callable[[], object], float]:
    """Return a call that trains one epoch, and its matrix work: features need no gradient, hidden units do."""
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
    params = Params(head_layers=1, units_1=units, dropout=0.2, batch_size=128)
    trainer = HeadTrainer(tf.keras.Sequential, features, task, params, seed=0)
    rows = trainer.rows_per_epoch
    trainer.train_epoch(0, 1e-3)
    return lambda: trainer.train_epoch(1, 1e-3), 2.0 * rows * (2 * N_FEATURES * units + 3 * units * N_CLASSES)


if __name__ == "__main__":
    main()
