"""ConvNeXt-Tiny against stock Keras: its frozen pass, and an epoch with its last stage trained."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from bcsearch.backbones.cuts import INPUT, POOLED, cuts_of, segment
from bcsearch.backbones.plain import transfer
from bcsearch.backbones.table import get_backbone
from bcsearch.features.forward import FrozenForward
from bcsearch.recipe import Params
from bcsearch.training.batch import traced_of
from bcsearch.training.devices import Device
from bcsearch.training.fold_weights import Scaling, first_weights
from bcsearch.training.suffix import SuffixTrainer
from bcsearch.training.suffix_graph import SuffixGraph, trainable_copy
from bcsearch.training.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable

NAME, SIDE, CUT = "convnext_tiny", 96, 0.5137  # the share of the parameters in its last stage
N_FOLDS, N_IMAGES, N_CLASSES, BATCH_SIZE, UNITS = 5, 480, 8, 32, 256
ROUNDS = 3


def main() -> None:
    """Print images/s and seconds of both sides, measured in turns, and their ratios."""
    backbone = get_backbone(NAME)
    keras.utils.set_random_seed(0)
    ours = backbone.build(SIDE)
    stock = (backbone.stock or backbone.build)(SIDE)
    transfer(stock, ours)
    images = np.random.default_rng(0).integers(0, 256, (N_IMAGES, SIDE, SIDE, 3), np.uint8)
    _passes(stock, ours, images)
    _epochs(stock, ours, images)


def _passes(stock: keras.Model, ours: keras.Model, images: np.ndarray) -> None:
    plain = tf.function(lambda batch: stock(tf.cast(batch, tf.float32), training=False))
    frozen = FrozenForward([segment(ours, INPUT, POOLED)], 64, np.dtype(np.uint8))
    few = images[:128]
    calls = (
        lambda: [plain(few[start : start + 64]).numpy() for start in (0, 64)],
        lambda: list(frozen.run(few)),
    )
    theirs, mine = (len(few) / seconds for seconds in _in_turns(calls))
    print(f"{NAME} at {SIDE}, frozen pass: stock Keras {theirs:.1f} images/s, bcsearch {mine:.1f}")
    print(f"  {mine / theirs:.1f} times")


def _epochs(stock: keras.Model, ours: keras.Model, images: np.ndarray) -> None:
    labels = np.random.default_rng(1).integers(0, N_CLASSES, N_IMAGES)
    parts = np.arange(N_IMAGES) % N_FOLDS
    rows = [np.flatnonzero(parts != fold) for fold in range(N_FOLDS)]
    cut = min(cuts_of(NAME, SIDE), key=lambda found: abs(found.fraction - CUT))
    trainer = _trainer(ours, cut.name, images, labels, rows)
    trainer.train_epoch(0, 1e-4)
    started = time.perf_counter()
    trainer.train_epoch(1, 1e-4)
    mine = time.perf_counter() - started
    model = _plain_model(stock)
    model.fit(
        images[rows[0]][:BATCH_SIZE], labels[rows[0]][:BATCH_SIZE], batch_size=BATCH_SIZE, verbose=0
    )
    started = time.perf_counter()
    model.fit(images[rows[0]], labels[rows[0]], batch_size=BATCH_SIZE, verbose=0)
    theirs = N_FOLDS * (time.perf_counter() - started)
    what = f"last stage ({cut.fraction:.2f} of the parameters)"
    print(f"{NAME}, {what}, an epoch of {N_FOLDS} folds of {len(rows[0])}:")
    print(f"  Keras fit {theirs:.0f} s ({N_FOLDS} times one fold), bcsearch {mine:.1f} s")
    print(f"  {theirs / mine:.1f} times")


def _trainer(
    ours: keras.Model, cut: str, images: np.ndarray, labels: np.ndarray, rows: list[np.ndarray]
) -> SuffixTrainer:
    params = Params(units_1=UNITS, batch_size=BATCH_SIZE, backbone_rate=0.1)
    below = FrozenForward([segment(ours, INPUT, cut)], 64, np.dtype(np.uint8))
    activations = np.concatenate(list(below.run(images))).astype(np.float16)
    body = trainable_copy(
        segment(ours, cut, POOLED), batch_norm="frozen", precision="float32", seed=0
    )
    graph = SuffixGraph(body, None, traced_of(params), Device.cpu())
    n_features = body.output.shape[-1]
    start = partial(first_weights, Scaling.none(n_features), [n_features, UNITS, N_CLASSES], seed=0)
    task = Task(labels=labels, n_classes=N_CLASSES, train_rows=rows, valid_rows=[])
    folds = [start(fold) for fold in range(N_FOLDS)]
    return SuffixTrainer(graph, [activations], task, params, start=folds, seed=0)


def _plain_model(stock: keras.Model) -> keras.Model:
    """Return the stock network with a head as tutorials build it, frozen below its last stage."""
    first = next(index for index, layer in enumerate(stock.layers) if "stage_3" in layer.name)
    for layer in stock.layers[:first]:
        layer.trainable = False
    hidden = keras.layers.Dropout(0.2)(keras.layers.Dense(UNITS, "relu")(stock.output))
    model = keras.Model(stock.input, keras.layers.Dense(N_CLASSES, "softmax")(hidden))
    model.compile(keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy")
    return model


def _in_turns(calls: tuple[Callable[[], object], ...]) -> list[float]:
    """Return the median seconds of each call, run in turns; the first round is not counted."""
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(ROUNDS + 1):
        for index, call in enumerate(calls):
            started = time.perf_counter()
            call()
            seconds[index].append(time.perf_counter() - started)
    return [float(np.median(each[1:])) for each in seconds]


if __name__ == "__main__":
    main()
