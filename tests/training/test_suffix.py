"""Suffixes of k folds trained side by side equal k trained one by one, by us and by Keras."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bcsearch.errors import InfeasibleError
from bcsearch.recipe import Params
from bcsearch.training.batches import Batches, view_of
from bcsearch.training.class_weights import class_weights
from bcsearch.training.fold_weights import FoldWeights, Scaling, first_weights
from bcsearch.training.task import Task

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from bcsearch.training.suffix import SuffixTrainer

N, SIDE, CLASSES, SEED, RATE, EPOCHS = 36, 16, 3, 5, 0.01, 2
RANDOM = np.random.default_rng(0)
LABELS = np.r_[np.arange(CLASSES), RANDOM.integers(0, CLASSES, N - CLASSES)]
VIEWS = [RANDOM.integers(0, 256, (N, SIDE, SIDE, 3), np.uint8) for _ in range(2)]
TRAIN = [np.arange(0, 24), np.r_[0:8, 20:36], np.arange(16, 36)]
VALID = [np.arange(24, 36), np.arange(8, 20), np.arange(0, 16)]
TOLERANCE = 2e-5  # of probabilities, between a traced and an eager training; measured: under 2e-6
KEEP: dict[str, Any] = {
    "augment": "light",
    "views": 2,
    "unfreeze_fraction": 1.0,
    "backbone": "custom",
    "dropout": 0.0,
    "units_1": 8,
    "batch_size": 8,
    "backbone_rate": 1.0,
}
KINDS = {
    "adamw": Params(**KEEP, optimizer="adamw", weight_decay=0.1),
    "sgd": Params(**KEEP, optimizer="sgd", l2=1e-3, class_weights="balanced"),
    "balanced": Params(**KEEP, optimizer="sgd", sampling="balanced"),
    "batch norm": Params(**KEEP, optimizer="sgd", head_norm="batch").but(batch_size=12),
    "smoothed": Params(**KEEP, optimizer="sgd", label_smoothing=0.2, head_layers=2, units_2=6),
}


def backbone() -> keras.Model:
    from bcsearch.backbones.weights import load_backbone, resolve_weights

    return load_backbone("custom", SIDE, resolve_weights("custom", "auto"), SEED)


def start_of(params: Params, fold: int) -> FoldWeights:
    n_features = backbone().output.shape[-1]
    return first_weights(Scaling.none(n_features), [n_features, *params.units, CLASSES], fold, SEED)


def trainer_of(
    params: Params,
    folds: list[int],
    *,
    jit_compile: bool = False,
    precision: str = "float32",
    before: keras.Model | None = None,
    views: Sequence[np.ndarray] = VIEWS,
) -> SuffixTrainer:
    from bcsearch.training.batch import traced_of
    from bcsearch.training.devices import Device
    from bcsearch.training.suffix import SuffixTrainer
    from bcsearch.training.suffix_graph import SuffixGraph, trainable_copy

    body = trainable_copy(backbone(), batch_norm=params.batch_norm, precision=precision, seed=SEED)
    graph = SuffixGraph(
        body, before, traced_of(params), replace(Device.cpu(), jit_compile=jit_compile)
    )
    train, valid = [TRAIN[fold] for fold in folds], [VALID[fold] for fold in folds]
    task = Task(
        labels=LABELS, n_classes=CLASSES, train_rows=train, valid_rows=valid, n_epochs=EPOCHS
    )
    return SuffixTrainer(
        graph, views, task, params, start=[start_of(params, fold) for fold in folds], seed=SEED
    )


def train_side_by_side(params: Params, folds: list[int], **changes: Any) -> list[np.ndarray]:
    """Train and validate in turn, so that folds are parked; return the last probabilities."""
    trainer = trainer_of(params, folds, **changes)
    for epoch in range(EPOCHS):
        assert np.isfinite(trainer.train_epoch(epoch, RATE))
        found = trainer.predict()
    return found


def network(params: Params, fold: int) -> keras.Model:
    import keras

    from bcsearch.training.keras_head import keras_head

    body = backbone()
    return keras.Model(body.input, keras_head(params, start_of(params, fold))(body.output))


def train_alone(params: Params, fold: int) -> np.ndarray:
    """Train one fold's network as Keras does, on the very same batches."""
    import keras

    model = network(params, fold)
    optimizer = {
        "adam": lambda: keras.optimizers.Adam(RATE),
        "adamw": lambda: keras.optimizers.AdamW(RATE, weight_decay=params.weight_decay),
        "sgd": lambda: keras.optimizers.SGD(RATE, params.momentum, nesterov=True),
    }[params.optimizer]()
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    model.compile(optimizer, loss="categorical_crossentropy", run_eagerly=True)
    weights = class_weights(params, LABELS[TRAIN[fold]], np.zeros(CLASSES))
    task = Task(labels=LABELS, n_classes=CLASSES, train_rows=TRAIN, valid_rows=[], n_epochs=EPOCHS)
    batches = Batches.of(task, params, SEED)
    for epoch in range(EPOCHS):
        of_epoch = batches.rows(epoch)
        turns = batches.turns(of_epoch, epoch)[:, fold]
        for rows, turn in zip(of_epoch[:, fold], turns, strict=True):
            images = np.stack(VIEWS)[view_of(rows, turn, len(VIEWS)), rows]
            targets = (
                np.eye(CLASSES)[LABELS[rows]] * (1 - params.label_smoothing)
                + params.label_smoothing / CLASSES
            )
            model.train_on_batch(images, targets, sample_weight=weights[LABELS[rows]])
    found: np.ndarray = model.predict(VIEWS[0][VALID[fold]], verbose=0)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_fold_learns_side_by_side_what_keras_teaches_it_alone(kind: str) -> None:
    together = train_side_by_side(KINDS[kind], [0, 1, 2])
    for fold, found in enumerate(together):
        np.testing.assert_allclose(found, train_alone(KINDS[kind], fold), rtol=0, atol=TOLERANCE)
        untrained = network(KINDS[kind], fold).predict(VIEWS[0][VALID[fold]], verbose=0)
        assert np.abs(found - untrained).max() > 0.01


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop", "lion"])
def test_changing_one_fold_leaves_the_others_the_same_bits(optimizer: str) -> None:
    params = KINDS["adamw"].but(optimizer=optimizer, dropout_1=0.2)
    before, after = train_side_by_side(params, [0, 1]), train_side_by_side(params, [0, 2])
    np.testing.assert_array_equal(before[0], after[0])
    assert before[1].shape != after[1].shape


@pytest.mark.parametrize("jit_compile", [False, True])
def test_mixes_and_triplet_act_on_suffixes_and_leave_other_folds_alone(jit_compile: bool) -> None:
    params = KINDS["adamw"].but(mix="cutmix_or_mixup", loss="triplet", class_weights="balanced")
    before = train_side_by_side(params, [0, 1], jit_compile=jit_compile)
    after = train_side_by_side(params, [0, 2], jit_compile=jit_compile)
    np.testing.assert_array_equal(before[0], after[0])
    assert not np.array_equal(before[0], train_side_by_side(KINDS["adamw"], [0, 1])[0])


def test_two_trainers_on_one_graph_do_not_disturb_each_other() -> None:
    params = KINDS["sgd"]
    alone = train_side_by_side(params, [0, 1])
    first = trainer_of(params, [0, 1])
    second = trainer_beside(first, params)
    for epoch in range(EPOCHS):
        first.train_epoch(epoch, RATE)
        second.train_epoch(epoch, 10 * RATE)
        second.predict()
    for ours, theirs in zip(first.predict(), alone, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def trainer_beside(other: SuffixTrainer, params: Params) -> SuffixTrainer:
    """Return a trainer of two other folds on the graph of another one."""
    from bcsearch.training.suffix import SuffixTrainer

    task = Task(labels=LABELS, n_classes=CLASSES, train_rows=TRAIN[1:], valid_rows=VALID[1:])
    start = [start_of(params, fold) for fold in (1, 2)]
    return SuffixTrainer(other._graph, VIEWS, task, params, start=start, seed=SEED)


def test_weights_of_a_fold_give_what_its_live_network_gives() -> None:
    import keras

    from bcsearch.training.keras_head import keras_head

    params = KINDS["smoothed"]
    trainer = trainer_of(params, [0, 1])
    trainer.train_epoch(0, RATE)
    for fold, (weights, expected) in enumerate(
        zip(trainer.weights(), trainer.predict(), strict=True)
    ):
        body = backbone()
        for name, values in weights.layers.items():
            body.get_layer(name).set_weights(values)
        model = keras.Model(body.input, keras_head(params, weights)(body.output))
        np.testing.assert_allclose(
            model.predict(VIEWS[0][VALID[fold]], verbose=0), expected, rtol=0, atol=1e-5
        )


def test_epoch_ends_at_the_batch_at_which_it_is_told_to() -> None:
    trainer, asked = trainer_of(KINDS["sgd"], [0]), []
    before = trainer.weights()[0].kernels[0]

    def check() -> None:
        asked.append(1)
        if len(asked) == 2:
            raise InfeasibleError("too long")

    with pytest.raises(InfeasibleError, match="too long"):
        trainer.train_epoch(0, RATE, check)
    assert len(asked) == 2 < 24 / 8  # batches of an epoch
    np.testing.assert_array_equal(trainer.weights()[0].kernels[0], before)


def test_backbone_rate_slows_the_backbone_only() -> None:
    def moved(rate: float) -> tuple[float, float]:
        params = KINDS["sgd"].but(backbone_rate=rate)
        trainer, start = trainer_of(params, [0]), start_of(params, 0)
        trainer.train_epoch(0, 1e-3)
        after = trainer.weights()[0]
        kernel = backbone().get_layer("block0_conv0").kernel.numpy()
        body = np.abs(after.layers["block0_conv0"][0] - kernel).max()
        return float(body), float(np.abs(after.kernels[0] - start.kernels[0]).max())

    (slow, slow_head), (fast, fast_head) = moved(1e-3), moved(1.0)
    assert 0 < slow < fast / 50
    assert slow_head == pytest.approx(fast_head, rel=0.5)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop", "lion"])
@pytest.mark.parametrize("batch_norm", ["frozen", "trained"])
def test_second_stage_trains_the_head_and_leaves_the_backbone(
    optimizer: str, batch_norm: str
) -> None:
    params = KINDS["adamw"].but(
        sampling="second_stage", optimizer=optimizer, batch_norm=batch_norm, momentum=0.9
    )
    trainer = trainer_of(params, [0, 1])
    found = []
    for epoch in range(EPOCHS):
        trainer.train_epoch(epoch, RATE)
        found.append(trainer.weights()[0])
    before, after = found
    for name, values in before.layers.items():
        for value, later in zip(values, after.layers[name], strict=True):
            np.testing.assert_array_equal(value, later)
    assert not np.array_equal(before.kernels[0], after.kernels[0])
    start = backbone().get_layer("block0_conv0").kernel.numpy()
    assert not np.array_equal(before.layers["block0_conv0"][0], start)


def test_compiled_by_xla_it_learns_the_same() -> None:
    params = KINDS["adamw"]
    plain, compiled = (
        train_side_by_side(params, [0, 1]),
        train_side_by_side(params, [0, 1], jit_compile=True),
    )
    for ours, theirs in zip(plain, compiled, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE)


def test_compiled_by_xla_it_learns_from_images_of_another_size_with_dropout() -> None:
    from bcsearch.backbones.resizing import resizing

    params, side = KINDS["adamw"].but(dropout_1=0.3), 24
    views = [RANDOM.integers(0, 256, (N, side, side, 3), np.uint8) for _ in range(2)]
    plain, compiled = (
        train_side_by_side(
            params, [0, 1], jit_compile=jit_compile, before=resizing(side, side, SIDE), views=views
        )
        for jit_compile in (False, True)
    )
    for ours, theirs in zip(plain, compiled, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE)


def test_compiled_by_xla_in_mixed_precision_it_learns_about_the_same() -> None:
    def losses(**device: Any) -> list[float]:
        trainer = trainer_of(KINDS["adamw"], [0, 1], **device)
        return [trainer.train_epoch(epoch, RATE / 10) for epoch in range(10)]

    exact, mixed = losses(), losses(jit_compile=True, precision="mixed_bfloat16")
    assert exact[-1] < 0.7 * exact[0]
    np.testing.assert_allclose(mixed, exact, rtol=0.05)  # measured: 0.015
    assert mixed != exact


def part_of_lite(batch_norm: str, precision: str = "float32") -> keras.Model:
    from bcsearch.backbones.cuts import segment
    from bcsearch.backbones.weights import load_backbone, resolve_weights
    from bcsearch.training.suffix_graph import trainable_copy

    model = load_backbone(
        "efficientnet_lite0", 32, resolve_weights("efficientnet_lite0", "random"), SEED
    )
    part = segment(model, "block14_add", "pooled")
    return trainable_copy(part, batch_norm=batch_norm, precision=precision, seed=SEED)


@pytest.mark.parametrize("batch_norm", ["frozen", "trained"])
def test_batch_norm_layers_learn_only_where_they_are_told_to(batch_norm: str) -> None:
    import keras

    body = part_of_lite(batch_norm)
    norms = [layer for layer in body.layers if isinstance(layer, keras.layers.BatchNormalization)]
    before = [layer.moving_mean.numpy() for layer in norms]
    body(
        np.random.default_rng(0).normal(2.0, 1.0, (4, 1, 1, 192)).astype(np.float32), training=True
    )
    unmoved = [
        np.array_equal(layer.moving_mean.numpy(), mean)
        for layer, mean in zip(norms, before, strict=True)
    ]
    assert len(norms) == 4
    assert unmoved == [batch_norm == "frozen"] * 4
    assert all(layer.trainable == (batch_norm == "trained") for layer in norms)


def test_copy_in_mixed_precision_keeps_weights_in_float32_and_computes_close_to_it() -> None:
    inputs = np.random.default_rng(0).normal(0, 1, (4, 1, 1, 192)).astype(np.float32)
    exact, mixed = part_of_lite("frozen"), part_of_lite("frozen", "mixed_bfloat16")
    assert {variable.dtype for variable in mixed.trainable_variables} == {"float32"}
    found = mixed(inputs)
    assert found.dtype.name == "bfloat16"
    np.testing.assert_allclose(np.asarray(found, np.float32), exact(inputs), rtol=0.05, atol=0.05)
