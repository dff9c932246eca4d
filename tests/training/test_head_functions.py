"""Heads of k folds trained side by side equal k trained one by one, by us and by Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

from bcsearch.recipe import Params
from bcsearch.training.batches import Batches, view_of
from bcsearch.training.class_weights import class_weights, fold_class_weights
from bcsearch.training.task import Task

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

N, D, CLASSES, VIEWS, EPOCHS, RATE = 60, 12, 4, 2, 3, 0.01
FOLDS = [np.arange(0, 40), np.arange(10, 45), np.r_[0:5, 20:60]]
RANDOM = np.random.default_rng(0)
LABELS = np.r_[np.arange(CLASSES), RANDOM.integers(0, CLASSES, N - CLASSES)]
TABLE = RANDOM.normal(LABELS[:, np.newaxis] * 0.3, 1.0, (VIEWS, N, D)).astype(np.float32)
ALONE_TOLERANCE = 1e-5  # of weights up to 0.5 and of probabilities; 2.3e-6 at most, by processor
KERAS_TOLERANCE = 2e-5  # the same; measured: under 5e-6 for every kind
KEEP: dict[str, Any] = {"dropout": 0.0, "learning_rate": RATE, "batch_size": 8}
KINDS = {
    "adam": Params(**KEEP),
    "adamw": Params(**KEEP, optimizer="adamw", weight_decay=0.1),
    "sgd": Params(**KEEP, optimizer="sgd", momentum=0.9, l2=1e-3),
    "rmsprop": Params(**KEEP, optimizer="rmsprop", momentum=0.5, label_smoothing=0.1),
    "lion": Params(**KEEP, optimizer="lion", weight_decay=0.1, class_weights="balanced"),
    "focal": Params(**KEEP, loss="focal", label_smoothing=0.1, class_weights="balanced"),
    "batch norm": Params(**KEEP, optimizer="sgd", head_norm="batch", head_layers=2),
    "layer norm": Params(**KEEP, head_norm="layer", activation="gelu", l2=1e-3),
    "balanced": Params(**KEEP, sampling="balanced", class_weights="effective"),
    "all": Params(
        **KEEP,
        head_layers=2,
        activation="gelu",
        l2=1e-3,
        label_smoothing=0.2,
        class_weights="balanced",
    ),
}


class Trained(NamedTuple):
    weights: list[np.ndarray]  # kernels and biases of every layer, folds first
    probabilities: np.ndarray  # of all rows, (n_folds, N, CLASSES)
    losses: list[float]


def train_stacked(params: Params, folds: list[int]) -> Trained:
    """Train the heads of ``folds`` on the batches and kernels that they have among all folds."""
    import tensorflow as tf

    from bcsearch.training.batch import numbers_of
    from bcsearch.training.fold_weights import first_kernels
    from bcsearch.training.head import new_head, start_head
    from bcsearch.training.head_functions import EpochRows, head_functions
    from bcsearch.training.heads import load_features

    features = load_features(list(TABLE), task_of(folds))
    functions = head_functions(params)
    head = new_head(len(params.units) + 1, params.head_norm)
    widths = [D, *params.units, CLASSES]
    drawn = [first_kernels(widths, fold, seed=1) for fold in folds]
    kernels = [np.stack(layer) for layer in zip(*drawn, strict=True)]
    biases = [np.zeros((len(folds), 1, width), np.float32) for width in widths[1:]]
    start_head(head, kernels, biases)
    weights = tf.constant(fold_class_weights(params, task_of(folds)))
    numbers = numbers_of(params, RATE)
    losses = []
    for epoch in range(EPOCHS):
        ordered = batches(params)
        rows = ordered.rows(epoch)[:, folds]
        table_rows = view_of(rows, ordered.turns(rows, epoch), VIEWS) * N + rows
        of_epoch = EpochRows(tf.constant(table_rows, tf.int32), tf.constant(rows), weights)
        loss = functions.train_epoch(features, of_epoch, numbers, tf.constant(0), head)
        losses.append(float(loss))
    everything = tf.constant(np.tile(np.arange(N, dtype=np.int32), (len(folds), 1)))
    return Trained(
        [weight.numpy().copy() for weight in head.weights],
        functions.predict(features, everything, head).numpy(),
        losses,
    )


def train_keras(params: Params, fold: int) -> Trained:
    """Train one fold's head as Keras does, on the very same batches."""
    from bcsearch.training.fold_weights import Scaling, first_weights
    from bcsearch.training.keras_head import keras_head

    clean = TABLE[0, FOLDS[fold]]
    scaling = Scaling(mean=clean.mean(axis=0), scale=1 / np.sqrt(clean.var(axis=0) + 1e-3))
    model = keras_head(params, first_weights(scaling, [D, *params.units, CLASSES], fold, seed=1))
    dense = [layer for layer in model.layers if layer.name.startswith(("dense", "probabilities"))]
    model.compile(optimizer(params), loss=loss(params), run_eagerly=True)
    per_class = class_weights(params, LABELS[FOLDS[fold]], np.zeros(CLASSES))
    for epoch in range(EPOCHS):
        ordered = batches(params)
        of_epoch = ordered.rows(epoch)
        turns = ordered.turns(of_epoch, epoch)[:, fold]
        for rows, turn in zip(of_epoch[:, fold], turns, strict=True):
            targets = (
                np.eye(CLASSES)[LABELS[rows]] * (1 - params.label_smoothing)
                + params.label_smoothing / CLASSES
            )
            inputs = TABLE[view_of(rows, turn, VIEWS), rows]
            model.train_on_batch(inputs, targets, sample_weight=per_class[LABELS[rows]])
    norms = [layer for layer in model.layers if layer.name.startswith("norm")]
    weights = [layer.kernel.numpy() for layer in dense]
    for layers, name in ((dense, "bias"), (norms, "gamma"), (norms, "beta")):
        weights += [getattr(layer, name).numpy()[np.newaxis] for layer in layers]
    return Trained(weights, model.predict(TABLE[0], verbose=0)[np.newaxis], [])


def loss(params: Params) -> Any:
    """Return Keras's loss; its focal one without the factor of 1/4 that it puts before."""
    import keras

    if params.loss == "focal":
        return keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=params.focal_gamma)
    return "categorical_crossentropy"


def task_of(folds: Sequence[int]) -> Task:
    rows = [FOLDS[fold] for fold in folds]
    return Task(labels=LABELS, n_classes=CLASSES, train_rows=rows, valid_rows=[], n_epochs=EPOCHS)


def batches(params: Params) -> Batches:
    return Batches.of(task_of(range(len(FOLDS))), params, seed=1)


def optimizer(params: Params) -> keras.optimizers.Optimizer:
    import keras

    made = {
        "adam": lambda: keras.optimizers.Adam(RATE),
        "adamw": lambda: keras.optimizers.AdamW(RATE, weight_decay=params.weight_decay),
        "sgd": lambda: keras.optimizers.SGD(RATE, momentum=params.momentum, nesterov=True),
        "rmsprop": lambda: keras.optimizers.RMSprop(RATE, momentum=params.momentum),
        "lion": lambda: keras.optimizers.Lion(RATE, weight_decay=params.weight_decay),
    }[params.optimizer]()
    made.exclude_from_weight_decay(var_names=["bias"])
    return made


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> tuple[Params, Trained]:
    """Return a kind of head and what training all its folds side by side gives."""
    params = KINDS[request.param]
    return params, train_stacked(params, [0, 1, 2])


def test_folds_side_by_side_learn_what_each_fold_learns_alone(kind: tuple[Params, Trained]) -> None:
    params, together = kind
    for fold in range(len(FOLDS)):
        alone = train_stacked(params, [fold])
        for stacked, single in zip(together.weights, alone.weights, strict=True):
            np.testing.assert_allclose(stacked[fold], single[0], rtol=0, atol=ALONE_TOLERANCE)
        np.testing.assert_allclose(
            together.probabilities[fold], alone.probabilities[0], rtol=0, atol=ALONE_TOLERANCE
        )


def test_folds_side_by_side_learn_what_keras_learns_from_the_same_batches(
    kind: tuple[Params, Trained],
) -> None:
    params, together = kind
    for fold in range(len(FOLDS)):
        theirs = train_keras(params, fold)
        for ours, weight in zip(together.weights, theirs.weights, strict=True):
            np.testing.assert_allclose(ours[fold], weight, rtol=0, atol=KERAS_TOLERANCE)
        np.testing.assert_allclose(
            together.probabilities[fold], theirs.probabilities[0], rtol=0, atol=KERAS_TOLERANCE
        )


def test_heads_have_learned_something(kind: tuple[Params, Trained]) -> None:
    together = kind[1]
    right = together.probabilities.argmax(axis=2) == LABELS
    assert right.mean() > 0.5  # guessing: 0.25
    assert np.isfinite(together.losses).all()
    assert together.losses[-1] < together.losses[0]


def test_every_activation_is_the_one_that_keras_knows_by_that_name() -> None:
    import keras

    from bcsearch.training.head import ACTIVATIONS

    values = np.linspace(-5, 5, 101, dtype=np.float32)
    for name, activation in ACTIVATIONS.items():
        theirs = keras.ops.convert_to_numpy(keras.activations.get(name)(values))
        np.testing.assert_allclose(activation(values).numpy(), theirs, rtol=0, atol=1e-6)
