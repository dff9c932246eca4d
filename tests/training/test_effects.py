"""Parameters change training in the way that they say: a measure of it rises along their values.

Here are those that act on heads; ``test_effects_on_images.py`` has the others.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

from bcsearch.config import Training
from bcsearch.recipe import PARTS, Names, Params
from tests.training.effect import Effect
from tests.training.test_effects_on_images import EFFECTS_ON_IMAGES

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from bcsearch.records import TrainResult
    from bcsearch.training.fold_weights import FoldWeights
    from bcsearch.training.heads import HeadTrainer
    from bcsearch.training.task import Task

EPOCHS, CLASSES, RARE = 8, 3, 2
RANDOM = np.random.default_rng(0)
LABELS = RANDOM.permutation(np.repeat(np.arange(CLASSES), (150, 70, 20)))
PLACES = np.array([[3.0, 0.0], [0.0, 0.5], [0.0, -0.5]]).repeat(4, axis=1)  # 1 and 2 look alike
FEATURES = (PLACES[LABELS] + RANDOM.normal(0, 1.5, (240, 8))).astype(np.float32)
HALVES = [np.arange(120), np.arange(120, 240)]
FIXED: dict[str, Any] = {
    "units_1": 16, "units_2": 16, "units_3": 16, "dropout": 0.0,
    "batch_size": 16, "learning_rate": 0.01, "schedule": "constant",
}  # fmt: skip


class Trained(NamedTuple):
    start: Sequence[FoldWeights]
    trainer: HeadTrainer
    result: TrainResult

    @property
    def chances(self) -> np.ndarray:
        """Validation probabilities of both folds after the last epoch, (240, CLASSES)."""
        return np.concatenate(self.trainer.predict())

    @property
    def kernels(self) -> Sequence[np.ndarray]:
        """Kernels of the first fold after the last epoch."""
        return self.trainer.weights()[0].kernels

    @property
    def rates(self) -> list[float]:
        return [epoch.learning_rate for epoch in self.result.epochs]


@lru_cache(maxsize=1)
def task() -> Task:
    from bcsearch.training.class_errors import class_errors
    from bcsearch.training.task import Task

    parts: dict[str, Any] = {"train_rows": HALVES, "valid_rows": HALVES[::-1], "n_epochs": EPOCHS}
    plain = Task(labels=LABELS, n_classes=CLASSES, **parts)
    errors = class_errors(FEATURES, plain, 0)
    return Task(labels=LABELS, n_classes=CLASSES, **parts, class_errors=errors)


@lru_cache
def trained(params: Params) -> Trained:
    from bcsearch.scores.table import SCORES
    from bcsearch.training.heads import HeadTrainer, load_features
    from bcsearch.training.loop import Lockstep

    trainer = HeadTrainer(load_features([FEATURES], task()), task(), params, seed=1)
    start = trainer.weights()
    lockstep = Lockstep(
        trainer=trainer,
        task=task(),
        params=params,
        settings=Training(epochs=EPOCHS, patience=EPOCHS),
        evaluators=[SCORES["accuracy"]],
        report=lambda epoch, score: False,
    )
    return Trained(start, trainer, lockstep.run())


def head_in_use(params: Params) -> keras.Model:
    """Return the trained head of the first fold, once it predicts what training predicts."""
    from bcsearch.training.keras_head import keras_head

    trainer = trained(params).trainer
    head = keras_head(params, trainer.weights()[0])
    found = head(FEATURES[HALVES[1]])
    np.testing.assert_allclose(found, trainer.predict()[0], atol=1e-4)
    return head


def of_training_rows(params: Params, layer: str, end: str) -> np.ndarray:
    """Return the ``input`` or ``output`` of a layer of a trained head, (120, n_units)."""
    import keras

    head = head_in_use(params)
    part = keras.Model(head.input, getattr(head.get_layer(layer), end))
    return np.array(part(FEATURES[HALVES[0]]))


def chance_of_the_rare_class(params: Params) -> float:
    return float(trained(params).chances[:, RARE].mean())


def doubt(params: Params) -> float:
    return float(1.0 - trained(params).chances.max(axis=1).mean())


def loss_on_training_rows(params: Params) -> float:
    return trained(params).result.epochs[-1].train_loss


def likeness_of_units(params: Params) -> float:
    return -float(of_training_rows(params, "activation_1", "input").std(axis=0).std())


def likeness_of_images(params: Params) -> float:
    return -float(of_training_rows(params, "activation_1", "input").std(axis=1).std())


def depth_below_zero(params: Params) -> float:
    """Return how far below zero the outputs of the last hidden layer reach."""
    layer = f"activation_{params.head_layers}"
    return -float(of_training_rows(params, layer, "output").min())


def separation(params: Params) -> float:
    """Return how much less alike the embeddings of two classes are than those of one."""
    embedding = of_training_rows(params, "probabilities", "input")
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True) + 1e-6
    likeness, labels = embedding @ embedding.T, LABELS[HALVES[0]]
    same = labels[:, None] == labels
    return float(likeness[same].mean() - likeness[~same].mean())


def number_of_weights(params: Params) -> float:
    return float(sum(kernel.size for kernel in trained(params).kernels))


def smallness(params: Params) -> float:
    return -float(sum(np.square(kernel).sum() for kernel in trained(params).kernels))


def distance(params: Params) -> float:
    """Return how far the kernels have moved from where they began."""
    run = trained(params)
    pairs = zip(run.start[0].kernels, run.kernels, strict=True)
    return float(sum(np.square(after - before).sum() for before, after in pairs))


def epoch_of_the_highest_rate(params: Params) -> float:
    rates = trained(params).rates
    epoch = rates.index(max(rates))
    assert rates[: epoch + 1] == sorted(set(rates[: epoch + 1]))  # they rise until there
    return float(epoch)


def fall_of_the_rate(params: Params) -> float:
    rates = trained(params).rates
    return rates[0] / rates[-1]


EFFECTS = [
    Effect("head_layers", [0, 1, 2, 3], number_of_weights, {}),
    *(
        Effect(f"units_{number}", [2, 16, 32], number_of_weights, {"head_layers": number})
        for number in (1, 2, 3)
    ),
    Effect("activation_1", ["relu", "gelu", "silu", "elu"], depth_below_zero, {}),
    Effect("activation_1", ["silu", "tanh"], depth_below_zero, {}),
    Effect("activation_2", ["relu", "tanh"], depth_below_zero, {"head_layers": 2}),
    Effect("activation_3", ["relu", "tanh"], depth_below_zero, {"head_layers": 3}),
    *(
        Effect(
            f"dropout_{number}", [0.0, 0.3, 0.7], loss_on_training_rows,
            {"head_layers": max(number, 1)},
        )
        for number in (0, 1, 2, 3)
    ),
    Effect("l2", [0.0, 1e-3, 1e-2], smallness, {}),
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
    Effect("loss", ["cross_entropy", "triplet"], separation, {}),
    Effect("focal_gamma", [0.0, 1.0, 4.0], doubt, {"loss": "focal"}),
    Effect("triplet_weight", [0.0, 0.5, 4.0], separation, {"loss": "triplet"}),
    Effect("triplet_margin", [0.0, 0.2, 1.0], separation, {"loss": "triplet"}),
    *(Effect("mix", ["none", name], doubt, {}) for name in ("mixup", "cutmix", "cutmix_or_mixup")),
    Effect("mix_probability", [0.0, 0.3, 1.0], doubt, {"mix": "mixup"}),
    Effect("mix_alpha", [0.05, 0.3, 2.0], doubt, {"mix": "mixup"}),
    Effect("label_smoothing", [0.0, 0.1, 0.4], doubt, {}),
    Effect("optimizer", ["sgd", "adam", "lion"], distance, {}),
    Effect("optimizer", ["sgd", "rmsprop"], distance, {}),
    Effect("optimizer", ["adam", "adamw"], smallness, {"weight_decay": 0.5}),
    Effect("learning_rate", [1e-4, 1e-3, 1e-2], distance, {}),
    Effect("weight_decay", [0.0, 0.1, 1.0], smallness, {"optimizer": "adamw"}),
    Effect("momentum", [0.0, 0.5, 0.9], distance, {"optimizer": "sgd"}),
    Effect("batch_size", [64, 32, 16], distance, {}),
    Effect("head_norm", ["none", "batch"], likeness_of_units, {}),
    Effect("head_norm", ["none", "layer"], likeness_of_images, {}),
    Effect("warmup_epochs", [0, 2, 5], epoch_of_the_highest_rate, {"schedule": "cosine"}),
    Effect("schedule", ["cosine", "one_cycle"], epoch_of_the_highest_rate, {}),
    Effect("schedule", ["constant", "cosine", "exponential"], fall_of_the_rate, {}),
    Effect("schedule", ["constant", "step"], fall_of_the_rate, {}),
    Effect("schedule", ["constant", "plateau"], fall_of_the_rate, {"learning_rate": 1e-5}),
]  # fmt: skip


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: effect.name)
def test_parameter_changes_training_in_the_way_that_it_says(effect: Effect) -> None:
    effect.check([Params(**given) for given in effect.configurations(FIXED)])


def test_every_parameter_has_an_effect_and_so_has_each_of_its_names() -> None:
    shown: dict[str, set[Any]] = {}
    for effect in (*EFFECTS, *EFFECTS_ON_IMAGES):
        shown.setdefault(effect.name, set()).update(effect.values)
    own = {part.name: part.domain for part in PARTS if not part.sets}  # short forms stand for them
    assert set(shown) == set(own)
    for domain in own.values():
        if isinstance(domain, Names):  # hidden layers share theirs
            alike = [shown[name] for name in own if own[name] == domain]
            assert set(domain.names) <= set().union(*alike)


def test_strength_0_is_no_class_weights_to_the_bit() -> None:
    plain = trained(Params(**FIXED)).chances
    for kind in ("balanced", "effective", "confusion"):
        weak = Params(**FIXED, class_weights=kind, class_weight_strength=0.0)
        np.testing.assert_array_equal(trained(weak).chances, plain)
