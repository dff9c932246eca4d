from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bcsearch.records import Params
from bcsearch.training.batches import Batches, view_of
from bcsearch.training.class_weights import class_weights

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    import keras

    from bcsearch.training.whole import WholeTrainer

N, SIDE, CLASSES, SEED, RATE, EPOCHS = 36, 16, 3, 5, 0.01, 2
RANDOM = np.random.default_rng(0)
LABELS = np.r_[np.arange(CLASSES), RANDOM.integers(0, CLASSES, N - CLASSES)]
VIEWS = [RANDOM.integers(0, 256, (N, SIDE, SIDE, 3), np.uint8) for _ in range(2)]
TRAIN = [np.arange(0, 24), np.r_[0:8, 20:36], np.arange(16, 36)]
VALID = [np.arange(24, 36), np.arange(8, 20), np.arange(0, 16)]
TOLERANCE = 1e-5  # of probabilities, between a traced and an eager training; measured: under 1e-7
KINDS = {
    "adamw": Params(dropout=0.2, units_1=8, batch_size=8, optimizer="adamw", weight_decay=0.1),
    "sgd": Params(dropout=0.0, units_1=8, batch_size=8, optimizer="sgd", l2=1e-3, class_weights="balanced"),
}


def network(params: Params) -> keras.Model:
    import keras

    from bcsearch.backbones.weights import load_backbone, resolve_weights
    from bcsearch.training.keras_head import keras_head

    body = load_backbone("custom", SIDE, resolve_weights("custom", "auto"), SEED)
    head = keras_head(params, body.output.shape[-1], CLASSES, seed=SEED)
    return keras.Model(body.input, head(body.output))


def trainer_of(params: Params, folds: list[int]) -> WholeTrainer:
    from bcsearch.training.loop import Task
    from bcsearch.training.whole import WholeTrainer

    train, valid = [TRAIN[fold] for fold in folds], [VALID[fold] for fold in folds]
    task = Task(labels=LABELS, n_classes=CLASSES, train_rows=train, valid_rows=valid)
    return WholeTrainer(network(params), VIEWS, task, params, SEED)


def train_abreast(params: Params, folds: list[int]) -> list[np.ndarray]:
    """Train and validate in turn, so that folds are parked and woken; return each fold's last probabilities."""
    trainer = trainer_of(params, folds)
    for epoch in range(EPOCHS):
        loss = trainer.train_epoch(epoch, RATE)
        assert np.isfinite(loss)
        found = trainer.predict()
    return found


def train_alone(params: Params, fold: int) -> np.ndarray:
    """Train one fold's network as Keras does, on the very same batches."""
    from bcsearch.training.whole import OPTIMIZERS

    model = network(params)
    optimizer = OPTIMIZERS[params.optimizer](params)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.learning_rate = RATE
    model.compile(optimizer, loss="categorical_crossentropy", run_eagerly=True)
    weights = class_weights(params.class_weights, LABELS[TRAIN[fold]], CLASSES)
    batches = Batches(train_rows=TRAIN, batch_size=params.batch_size, seed=SEED)
    for epoch in range(EPOCHS):
        for rows in batches.rows(epoch)[:, fold]:
            images = np.stack(VIEWS)[view_of(rows, epoch, len(VIEWS)), rows]
            model.train_on_batch(images, np.eye(CLASSES)[LABELS[rows]], sample_weight=weights[LABELS[rows]])
    found: np.ndarray = model.predict(VIEWS[0][VALID[fold]], verbose=0)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_fold_learns_abreast_what_it_learns_alone(kind: str) -> None:
    together = train_abreast(KINDS[kind], [0, 1, 2])
    for fold, found in enumerate(together):
        alone = train_alone(KINDS[kind], fold)
        np.testing.assert_allclose(found, alone, rtol=0, atol=TOLERANCE)
        untrained = network(KINDS[kind]).predict(VIEWS[0][VALID[fold]], verbose=0)
        assert np.abs(found - untrained).max() > 0.01


def test_changing_one_fold_leaves_the_others_the_same_bits() -> None:
    before, after = train_abreast(KINDS["adamw"], [0, 1]), train_abreast(KINDS["adamw"], [0, 2])
    np.testing.assert_array_equal(before[0], after[0])
    assert before[1].shape != after[1].shape


def test_model_is_the_first_folds_network() -> None:
    trainer = trainer_of(KINDS["adamw"], [0, 1])
    trainer.train_epoch(0, RATE)
    expected = trainer.predict()[0]
    found = trainer.model().predict(VIEWS[0][VALID[0]], verbose=0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
