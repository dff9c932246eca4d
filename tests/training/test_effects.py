"""Parameters change training in the way that they say: a measure of it rises along their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

from bcsearch.config import Training
from bcsearch.recipe import Params

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bcsearch.records import TrainResult
    from bcsearch.training.heads import HeadTrainer

EPOCHS, CLASSES, RARE = 8, 3, 2
RANDOM = np.random.default_rng(0)
LABELS = RANDOM.permutation(np.repeat(np.arange(CLASSES), (150, 70, 20)))
PLACES = np.array([[3.0, 0.0], [0.0, 0.5], [0.0, -0.5]]).repeat(4, axis=1)  # 1 and 2 look alike
FEATURES = (PLACES[LABELS] + RANDOM.normal(0, 1.5, (240, 8))).astype(np.float32)
HALVES = [np.arange(120), np.arange(120, 240)]
FIXED: dict[str, Any] = {
    "units_1": 16, "dropout": 0.0, "batch_size": 16, "learning_rate": 0.01, "schedule": "constant",
}  # fmt: skip


class Trained(NamedTuple):
    trainer: HeadTrainer
    result: TrainResult

    @property
    def chances(self) -> np.ndarray:
        """Validation probabilities of both folds after the last epoch, (240, CLASSES)."""
        return np.concatenate(self.trainer.predict())

    @property
    def rates(self) -> list[float]:
        return [epoch.learning_rate for epoch in self.result.epochs]


def trained(params: Params) -> Trained:
    from bcsearch.scores.table import SCORES
    from bcsearch.training.class_errors import class_errors
    from bcsearch.training.heads import HeadTrainer, load_features
    from bcsearch.training.loop import Lockstep
    from bcsearch.training.task import Task

    rows: dict[str, Any] = {"train_rows": HALVES, "valid_rows": HALVES[::-1]}
    task = Task(labels=LABELS, n_classes=CLASSES, **rows)
    errors = class_errors(FEATURES, task, 0)
    task = Task(labels=LABELS, n_classes=CLASSES, **rows, n_epochs=EPOCHS, class_errors=errors)
    trainer = HeadTrainer(load_features([FEATURES], task), task, params, seed=1)
    lockstep = Lockstep(
        trainer=trainer,
        task=task,
        params=params,
        settings=Training(epochs=EPOCHS, patience=EPOCHS),
        evaluators=[SCORES["accuracy"]],
        report=lambda epoch, score: False,
    )
    return Trained(trainer, lockstep.run())


def chance_of_the_rare_class(params: Params) -> float:
    return float(trained(params).chances[:, RARE].mean())


def doubt(params: Params) -> float:
    return float(1.0 - trained(params).chances.max(axis=1).mean())


def before_activation(params: Params) -> np.ndarray:
    """Return what the first activation of a fold is given of its training rows, (120, 16)."""
    import keras

    from bcsearch.training.keras_head import keras_head

    head = keras_head(params, trained(params).trainer.weights()[0])
    part = keras.Model(head.input, head.get_layer("activation_1").input)
    found: np.ndarray = part.predict(FEATURES[HALVES[0]], verbose=0)
    return found


def likeness_of_units(params: Params) -> float:
    return -float(before_activation(params).std(axis=0).std())


def likeness_of_images(params: Params) -> float:
    return -float(before_activation(params).std(axis=1).std())


def epoch_of_the_highest_rate(params: Params) -> float:
    rates = trained(params).rates
    epoch = rates.index(max(rates))
    assert rates[: epoch + 1] == sorted(set(rates[: epoch + 1]))  # they rise until there
    return float(epoch)


def fall_of_the_rate(params: Params) -> float:
    rates = trained(params).rates
    return rates[0] / rates[-1]


def movement_near_the_head(params: Params) -> float:
    """Return how much more the last convolution of a network moves than the first one."""
    from tests.training.test_suffix import KEEP, backbone, trainer_of

    trainer = trainer_of(Params(**KEEP).but(layer_decay=params.layer_decay), [0])
    trainer.train_epoch(0, 1e-4)
    after, before = trainer.weights()[0].layers, backbone()
    first, last = (
        np.abs(after[name][0] - before.get_layer(name).kernel.numpy()).mean()
        for name in ("block0_conv0", "block1_conv1")
    )
    return float(last / first)


def features(params: Params) -> np.ndarray:
    from bcsearch.backbones.cuts import POOLED_BY, segment
    from bcsearch.backbones.weights import load_backbone, resolve_weights

    name = "efficientnet_lite0"
    model = load_backbone(name, 64, resolve_weights(name, "random"), 0)
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3))
    return np.asarray(segment(model, "input", POOLED_BY[params.pooling])(images))


class Effect(NamedTuple):
    """What rises along some values of a parameter, where others are as given."""

    name: str
    values: Sequence[Any]
    measure: Callable[[Params], float]
    others: dict[str, Any]


EFFECTS = [
    Effect("class_weights", ["none", "effective", "balanced"], chance_of_the_rare_class, {}),
    Effect("class_weights", ["none", "confusion"], chance_of_the_rare_class, {}),
    Effect(
        "class_weight_strength", [0.0, 0.5, 1.0], chance_of_the_rare_class,
        {"class_weights": "balanced"},
    ),
    Effect(
        "class_weight_beta", [0.0, 0.95, 0.999], chance_of_the_rare_class,
        {"class_weights": "effective"},
    ),
    Effect("sampling", ["natural", "balanced"], chance_of_the_rare_class, {}),
    Effect("sampling", ["natural", "second_stage"], chance_of_the_rare_class, {}),
    Effect("loss", ["cross_entropy", "focal"], doubt, {}),
    Effect("focal_gamma", [0.0, 1.0, 4.0], doubt, {"loss": "focal"}),
    Effect("head_norm", ["none", "batch"], likeness_of_units, {}),
    Effect("head_norm", ["none", "layer"], likeness_of_images, {}),
    Effect("warmup_epochs", [0, 2, 5], epoch_of_the_highest_rate, {"schedule": "cosine"}),
    Effect("schedule", ["cosine", "one_cycle"], epoch_of_the_highest_rate, {}),
    Effect("schedule", ["constant", "step"], fall_of_the_rate, {}),
    Effect("layer_decay", [1.0, 0.8, 0.4], movement_near_the_head, {"unfreeze_fraction": 0.5}),
    Effect("pooling", ["average", "max"], lambda params: float(features(params).mean()), {}),
    Effect("pooling", ["max", "both"], lambda params: features(params).shape[1], {}),
]  # fmt: skip


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: effect.name)
def test_parameter_changes_training_in_the_way_that_it_says(effect: Effect) -> None:
    params = [Params(**{**FIXED, **effect.others, effect.name: value}) for value in effect.values]
    assert len(set(params)) == len(params)
    measured = [effect.measure(each) for each in params]
    assert measured == sorted(set(measured)), dict(zip(effect.values, measured, strict=True))


def test_strength_0_is_no_class_weights_to_the_bit() -> None:
    plain = trained(Params(**FIXED)).chances
    for kind in ("balanced", "effective", "confusion"):
        weak = Params(**FIXED, class_weights=kind, class_weight_strength=0.0)
        np.testing.assert_array_equal(trained(weak).chances, plain)
