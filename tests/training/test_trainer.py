"""Training on cached, half-precise features against the backbone itself, on real blood cells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bcsearch.config import Sweep, Training
from bcsearch.data import Dataset
from bcsearch.data.folds import Folds, make_folds
from bcsearch.errors import InfeasibleError
from bcsearch.recipe import Params
from bcsearch.records.checkpoint import NoCheckpoints
from tests.training.taken_up import train_stretch

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.features.features import Features
    from bcsearch.records import TrainResult
    from bcsearch.training.heads import HeadTrainer
    from bcsearch.training.task import Task
    from bcsearch.training.trainer import Trainer

CELLS = (
    Path(__file__).parents[3] / "shared" / "data" / "pbc_mini_96.npz"
)  # real ones, not part of the project
PER_CLASS = 15
SETTINGS = Training(epochs=6, patience=6, seed=11)
SWEEP = Sweep(space="cells", training=SETTINGS)
HIDDEN = Params(augment="light", views=2, units_1=32, batch_size=16)
LINEAR = HIDDEN.but(head_layers=0)
RATES = [3e-3, 2e-3, 1e-3]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bench:
    """A small set of real images with all that a trainer needs."""

    dataset: Dataset
    folds: Folds
    features: Features
    weights: Any

    def trainer(self, **changes: Any) -> Trainer:
        from bcsearch.scores.table import chosen_scores
        from bcsearch.training.trainer import Trainer

        parts = {"dataset": self.dataset, "folds": self.folds, "features": self.features, **changes}
        return Trainer(
            parts["dataset"], parts["folds"], parts["features"], SWEEP, chosen_scores(SWEEP.search)
        )


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    if not CELLS.is_file():
        pytest.skip(f"needs the real images of {CELLS.name}, which are not part of the project")
    from bcsearch.backbones.weights import resolve_weights
    from bcsearch.features.features import Features
    from bcsearch.features.store import Store

    with np.load(CELLS) as file:
        images, labels = file["data"], file["labels"].ravel().astype(np.int64)
    rows = np.concatenate([np.flatnonzero(labels == number)[:PER_CLASS] for number in range(8)])
    dataset = Dataset(images=images[rows], labels=labels[rows], class_names=tuple("abcdefgh"))
    weights = {name: resolve_weights(name, "auto") for name in ("custom", "efficientnet_lite0")}
    features = Features(
        images=dataset.images,
        store=Store(tmp_path_factory.mktemp("cache")),
        weights=weights,
    )
    return Bench(
        dataset=dataset, folds=make_folds(dataset, n_folds=3), features=features, weights=weights
    )


def keep_going(epoch: int, score: float) -> bool:
    return False


@pytest.fixture(scope="module")
def direct(bench: Bench) -> list[np.ndarray]:
    """Return what the backbone itself gives for every view, in float32, never stored."""
    from bcsearch.backbones.weights import load_backbone

    backbone = load_backbone(HIDDEN.backbone, 96, bench.weights[HIDDEN.backbone], SETTINGS.seed)
    features = [backbone.predict(view, verbose=0) for view in activations(bench, "input")]
    assert {view.dtype.name for view in features} == {"float32"}
    assert {view.dtype.name for view in activations(bench, "pooled")} == {"float16"}
    return features


def activations(bench: Bench, cut: str, params: Params = HIDDEN) -> list[np.ndarray]:
    views = bench.trainer().views.training(params)
    return [bench.features.activations(params.backbone, 96, cut, view) for view in views]


def train_uncached(bench: Bench, direct: list[np.ndarray], params: Params) -> TrainResult:
    from bcsearch.scores.table import SCORES
    from bcsearch.training.loop import Lockstep

    folds = bench.folds.folds
    task = task_of(
        bench, train=[fold.train for fold in folds], valid=[fold.valid for fold in folds]
    )
    trainer = head_on(direct, task, params)
    return Lockstep(
        trainer=trainer,
        task=task,
        params=params,
        settings=SETTINGS,
        evaluators=[SCORES["accuracy"]],
        report=keep_going,
    ).run()


def task_of(bench: Bench, *, train: list[np.ndarray], valid: list[np.ndarray]) -> Task:
    from bcsearch.training.task import Task

    return Task(
        labels=bench.dataset.labels,
        n_classes=bench.dataset.n_classes,
        train_rows=train,
        valid_rows=valid,
    )


def head_on(views: Sequence[np.ndarray], task: Task, params: Params) -> HeadTrainer:
    from bcsearch.training.heads import HeadTrainer, load_features

    return HeadTrainer(load_features(views, task), task, params, SETTINGS.seed)


@pytest.mark.parametrize(
    ("params", "images"),
    [(LINEAR, 1), (HIDDEN, 3)],  # of 40 in a fold; measured: 0 and 1
    ids=["linear", "hidden"],
)
def test_cached_trial_scores_what_an_uncached_one_scores(
    bench: Bench, direct: list[np.ndarray], params: Params, images: int
) -> None:
    cached, uncached = (
        bench.trainer()(params, keep_going, NoCheckpoints()),
        train_uncached(bench, direct, params),
    )
    assert len(cached.epochs) == len(uncached.epochs) == SETTINGS.epochs
    for ours, theirs in zip(cached.epochs, uncached.epochs, strict=True):
        assert ours.fold_scores == pytest.approx(theirs.fold_scores, abs=images / 40 + 1e-9)
        assert ours.train_loss == pytest.approx(theirs.train_loss, rel=0.01)  # measured: 0.002
    assert cached.best.mean > 0.35  # guessing: 0.125


def test_cached_trial_gives_the_probabilities_of_an_uncached_one(
    bench: Bench, direct: list[np.ndarray]
) -> None:
    cached, uncached = (
        bench.trainer()(LINEAR, keep_going, NoCheckpoints()),
        train_uncached(bench, direct, LINEAR),
    )
    assert cached.probabilities is not None
    assert uncached.probabilities is not None
    assert not np.isnan(cached.probabilities).any()
    difference = np.abs(
        cached.probabilities.astype(np.float32) - uncached.probabilities.astype(np.float32)
    )
    assert difference.max() < 0.005  # measured: 0.001; both are rounded to half precision


def test_same_trial_trained_twice_is_the_same_bits(bench: Bench) -> None:
    trainer = bench.trainer()
    first = trainer(HIDDEN, keep_going, NoCheckpoints())
    trainer(HIDDEN.but(units_1=16), keep_going, NoCheckpoints())  # the same graph in between
    again = trainer(HIDDEN, keep_going, NoCheckpoints())
    assert first.epochs == again.epochs
    np.testing.assert_array_equal(first.probabilities, again.probabilities)


def test_images_that_are_left_out_change_nothing(bench: Bench, tmp_path: Path) -> None:
    from bcsearch.features.features import Features
    from bcsearch.features.store import Store

    excluded = np.zeros(bench.dataset.n_images, bool)
    excluded[::9] = True
    images, labels = bench.dataset.images.copy(), bench.dataset.labels.copy()
    images[excluded] = 255 - images[excluded]
    labels[excluded] = (labels[excluded] + 1) % 8
    params = HIDDEN.but(preprocess="two_point", class_weights="balanced")
    ended = []
    others = replace(bench.dataset, images=images, labels=labels)
    for number, given in enumerate((bench.dataset, others)):
        dataset = replace(given, excluded=excluded)
        features = Features(
            images=dataset.images, store=Store(tmp_path / str(number)), weights=bench.weights
        )
        folds = make_folds(dataset, n_folds=3)
        trainer = bench.trainer(dataset=dataset, features=features, folds=folds)
        model = trainer.refit(params, RATES, lambda: None)
        answers = model.predict(bench.dataset.images[:9], verbose=0)
        ended.append((trainer(params, keep_going, NoCheckpoints()).epochs, answers))
    assert ended[0][0] == ended[1][0]
    np.testing.assert_array_equal(ended[0][1], ended[1][1])


def test_repeat_of_a_trial_has_a_seed_of_its_own(bench: Bench) -> None:
    trainer = bench.trainer()
    first, second, again = (
        trainer(HIDDEN, keep_going, NoCheckpoints(), repeat=repeat) for repeat in (0, 1, 1)
    )
    assert first.epochs[0].train_loss != second.epochs[0].train_loss
    assert second.epochs == again.epochs


NORMED = HIDDEN.but(pooling="both", head_norm="batch", sampling="balanced", loss="focal")


@pytest.mark.parametrize("params", [LINEAR, HIDDEN, NORMED], ids=["linear", "hidden", "normed"])
def test_refitted_model_on_raw_images_gives_what_its_head_gives_on_cached_features(
    bench: Bench, params: Params
) -> None:
    from bcsearch.backbones.cuts import POOLED_BY

    model = bench.trainer().refit(params, RATES, lambda: None)

    everything = [np.arange(bench.dataset.n_images)]
    head = head_on(
        activations(bench, POOLED_BY[params.pooling], params),
        task_of(bench, train=everything, valid=everything),
        params,
    )
    for epoch, rate in enumerate(RATES):
        head.train_epoch(epoch, rate)

    given = model.predict(bench.dataset.images, verbose=0)
    # The cache keeps features in half precision; measured: 2e-4, 2.01e-3 on another processor.
    np.testing.assert_allclose(given, head.predict()[0], rtol=0, atol=5e-3)


def test_preprocessing_is_baked_into_the_refitted_model(bench: Bench, tmp_path: Path) -> None:
    import keras

    gray = LINEAR.but(preprocess="grayscale")
    model = bench.trainer().refit(gray, RATES, lambda: None)
    everything = [np.arange(bench.dataset.n_images)]
    head = head_on(
        activations(bench, "pooled", gray), task_of(bench, train=everything, valid=everything), gray
    )
    for epoch, rate in enumerate(RATES):
        head.train_epoch(epoch, rate)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    given = again.predict(bench.dataset.images, verbose=0)
    np.testing.assert_allclose(given, head.predict()[0], rtol=0, atol=5e-3)  # as above
    np.testing.assert_allclose(given, model.predict(bench.dataset.images, verbose=0), atol=1e-5)
    plain = bench.trainer().refit(LINEAR, RATES, lambda: None)
    assert np.abs(plain.predict(bench.dataset.images, verbose=0) - given).max() > 0.05


def test_fold_models_with_their_last_weights_predict_what_the_trial_did(bench: Bench) -> None:
    trainer = bench.trainer()
    result = trainer(LINEAR, lambda epoch, score: epoch == 2, NoCheckpoints())
    rates = [scores.learning_rate for scores in result.epochs]
    folds = trainer.fold_models(LINEAR, rates, lambda: None)
    task = trainer.folds
    again = task.out_of_fold(folds.predict([()])[0])
    if result.best.epoch == 2:
        np.testing.assert_array_equal(again, result.probabilities)
    accuracy = (again.argmax(axis=1) == bench.dataset.labels).mean()
    assert accuracy == pytest.approx(result.epochs[2].mean, abs=0.01)  # a mean of unlike folds


@pytest.mark.parametrize("kind", ["head", "unfrozen"])
def test_averaged_weights_are_the_mean_of_those_after_the_last_epochs(
    bench: Bench, kind: str
) -> None:
    trainer = bench.trainer()
    params = {"head": HIDDEN, "unfrozen": STAGED}[kind]
    rates = [1e-3] * (8 if kind == "head" else 7)
    folds = trainer.fold_models(trainer.canonical(params), rates, lambda: None, averages=True)
    assert folds.averaged == 2
    ends = [
        trainer.fold_models(trainer.canonical(params), rates[:n_epochs], lambda: None)
        for n_epochs in (len(rates) - 1, len(rates))
    ]
    found = folds.weights(averaged=True)[1]
    before, after = (each.weights(averaged=False)[1] for each in ends)
    for mean, first, second in zip(found.kernels, before.kernels, after.kernels, strict=True):
        np.testing.assert_allclose(mean, (first + second) / 2, atol=1e-6)
        assert not np.array_equal(first, second)
    for name, values in found.layers.items():
        for mean, first, second in zip(
            values, before.layers[name], after.layers[name], strict=True
        ):
            np.testing.assert_allclose(mean, (first + second) / 2, atol=1e-6)
    assert bool(found.layers) is (kind == "unfrozen")


def test_weights_are_averaged_over_epochs_that_train_the_same_weights() -> None:
    from bcsearch.training.fold_models import epochs_to_average

    assert [epochs_to_average(n_epochs, 0) for n_epochs in (1, 2, 8, 20)] == [1, 2, 2, 5]
    assert [epochs_to_average(20, begins) for begins in (17, 18, 19, 25)] == [3, 2, 1, 1]


def test_model_with_test_time_augmentation_predicts_the_mean_of_what_it_sees(
    bench: Bench, tmp_path: Path
) -> None:
    import keras

    from bcsearch.records.ending import Ending
    from bcsearch.views.tta import TTA_OPERATIONS, TTA_SETS

    gray = LINEAR.but(preprocess="grayscale")
    plain = bench.trainer().refit(gray, RATES, lambda: None)
    ending = Ending(tta=TTA_SETS["all"])
    model = bench.trainer().refit(gray, RATES, lambda: None, ending)
    images = bench.dataset.images[:12]
    changed = [TTA_OPERATIONS[name].run(images, {}, 0) for name in ending.tta]
    seen = [plain.predict(each, verbose=0) for each in [images, *changed]]
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    given = again.predict(images, verbose=0)
    np.testing.assert_allclose(given, np.mean(seen, axis=0), atol=1e-4)
    assert np.abs(given - seen[0]).max() > 0.01
    (weights,) = [bench.trainer().fold_models(gray, RATES, lambda: None)]
    found = weights.seen(weights.weights(averaged=False)[0], images, ("mirror",))
    assert set(found) == {"", "mirror"}
    assert not np.allclose(found[""], found["mirror"])


def test_refit_with_averaged_weights_differs_from_the_last_ones_by_little(bench: Bench) -> None:
    from bcsearch.records.ending import Ending

    rates = [1e-3] * 8
    last = bench.trainer().refit(LINEAR, rates, lambda: None)
    mean = bench.trainer().refit(LINEAR, rates, lambda: None, Ending(averaged=2))
    kernels = [
        each.get_layer("head_0").get_layer("probabilities").kernel.numpy() for each in (last, mean)
    ]
    assert 0 < np.abs(kernels[0] - kernels[1]).max() < 0.1


def test_refit_does_not_see_the_images_put_aside_to_test_on(bench: Bench) -> None:
    folds = make_folds(bench.dataset, kind="split")

    def kernel_after(changed: np.ndarray) -> np.ndarray:
        labels = bench.dataset.labels.copy()
        labels[changed] = (labels[changed] + 1) % 8
        dataset = replace(bench.dataset, labels=labels)
        model = bench.trainer(dataset=dataset, folds=folds).refit(LINEAR, RATES[:1], lambda: None)
        kernel: np.ndarray = model.get_layer("head_0").get_layer("probabilities").kernel.numpy()
        return kernel

    untouched = kernel_after(np.empty(0, np.int64))
    np.testing.assert_array_equal(kernel_after(folds.test), untouched)
    assert not np.array_equal(kernel_after(folds.folds[0].valid), untouched)


def test_refit_asks_before_every_epoch_whether_to_go_on(bench: Bench) -> None:
    asked: list[int] = []

    def check() -> None:
        asked.append(1)
        if len(asked) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.trainer().refit(LINEAR, RATES, check)
    assert len(asked) == 2


def test_trial_ends_during_an_epoch_once_its_time_is_over(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bcsearch.training.suffix import SuffixTrainer

    trainer, ended = bench.trainer(), list[int]()
    params = trainer.canonical(Params(backbone="custom", image_size=32, units_1=16, batch_size=32))
    # as every epoch ends
    monkeypatch.setattr(SuffixTrainer, "predict", lambda *_: ended.append(1))

    with pytest.raises(InfeasibleError, match=r"\[limits\] trial_seconds allows 1e-09"):
        trainer(params, keep_going, NoCheckpoints(), 1e-9)
    assert ended == []


def test_linear_head_is_asked_once_for_the_classes_that_it_misses(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bcsearch.training.class_errors import class_errors

    asked: list[int] = []

    def counted(*given: Any) -> np.ndarray:
        asked.append(1)
        return class_errors(*given)

    monkeypatch.setattr("bcsearch.training.trainer.class_errors", counted)
    trainer = bench.trainer()
    plain = trainer(LINEAR, keep_going, NoCheckpoints())
    params = LINEAR.but(class_weights="confusion")
    found = [trainer(params, keep_going, NoCheckpoints()) for _ in range(2)]
    assert len(asked) == 1
    assert found[0].epochs == found[1].epochs != plain.epochs
    none = trainer(params.but(class_weight_strength=0.0), keep_going, NoCheckpoints())
    assert none.epochs == plain.epochs


def test_small_network_is_trained_whole_and_refitted(bench: Bench) -> None:
    trainer = bench.trainer()
    params = trainer.canonical(Params(backbone="custom", image_size=32, units_1=16, batch_size=32))
    result = trainer(params, lambda epoch, score: epoch == 1, NoCheckpoints())
    assert len(result.epochs) == 2
    assert result.epochs[1].train_loss < result.epochs[0].train_loss
    model = trainer.refit(params, [1e-3], lambda: None)
    given = model.predict(bench.dataset.images[:5], verbose=0)
    assert given.shape == (5, 8)
    np.testing.assert_allclose(given.sum(axis=1), 1.0, atol=1e-5)


STAGED = Params(
    augment="light",
    views=2,
    image_size=32,
    units_1=16,
    batch_size=32,
    unfreeze_fraction=0.35,
    optimizer="adamw",
    unfreeze_schedule="half_then_all",
    unfreeze_every=2,
)
RESUMED = {
    "head": (HIDDEN, 3),
    "head with batch norm before its second stage": (NORMED.but(sampling="second_stage"), 3),
    "before the suffix begins": (STAGED, 2),
    "in the first step of the suffix": (STAGED, 3),
    "in the last step of the suffix": (STAGED, 5),
    "suffix with batch norm": (STAGED.but(head_norm="batch", pooling="max", layer_decay=0.5), 5),
    "whole network": (Params(backbone="custom", image_size=32, units_1=16, batch_size=32), 2),
}


@pytest.mark.parametrize("case", RESUMED)
def test_trial_taken_up_by_another_process_ends_with_the_same_bits(
    bench: Bench, tmp_path: Path, case: str
) -> None:
    params, n_done = RESUMED[case]
    params = bench.trainer().canonical(params)
    whole = bench.trainer()(params, keep_going, NoCheckpoints())

    path = tmp_path / "trial.npz"
    begun = train_stretch(bench.trainer(), params, path, n_done)
    resumed, others = train_stretch(bench.trainer(), params, path, 99)
    assert [begun.epochs, others] == [list(range(n_done)), list(range(n_done, SETTINGS.epochs))]
    assert resumed.epochs == whole.epochs
    np.testing.assert_array_equal(resumed.probabilities, whole.probabilities)


def test_configuration_that_needs_more_memory_than_there_is_is_infeasible(bench: Bench) -> None:
    trainer = bench.trainer()
    with pytest.raises(InfeasibleError, match="out of memory"):
        trainer(HIDDEN.but(units_1=2**33), keep_going, NoCheckpoints())
    with (
        pytest.raises(InfeasibleError, match="out of memory: nothing more is known"),
        trainer.enough_memory(),
    ):
        raise MemoryError
    assert len(trainer(HIDDEN, keep_going, NoCheckpoints()).epochs) == SETTINGS.epochs


def test_members_on_one_prefix_share_its_pass_and_their_probabilities_are_averaged(
    bench: Bench, tmp_path: Path
) -> None:
    """A committee: two heads on plain images, one of them twice, and one on gray images."""
    import keras

    trainer = bench.trainer()
    gray = LINEAR.but(preprocess="grayscale")
    trained = [
        (params, trainer.train_all(params, RATES, lambda: None))
        for params in (LINEAR, HIDDEN, gray)
    ]
    first, second, third = trained
    model = trainer.builder.model([first, first, second, third])
    images = bench.dataset.images[:16]
    alone = [trainer.builder.model([each]).predict(images, verbose=0) for each in trained]
    expected = (2 * alone[0] + alone[1] + alone[2]) / 4
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_allclose(again.predict(images, verbose=0), expected, atol=1e-5)
    backbones = [layer for layer in again.layers if layer.name.startswith("frozen_")]
    assert len(backbones) == 1
    outputs = trainer.builder.models(trained)(images)
    for given, wanted in zip(outputs, alone, strict=True):
        np.testing.assert_allclose(given, wanted, atol=1e-5)
    mirrored = trainer.builder.model([third], ["mirror"]).predict(images, verbose=0)
    other = trainer.builder.model([third]).predict(images[:, :, ::-1], verbose=0)
    np.testing.assert_allclose(mirrored, (alone[2] + other) / 2, atol=1e-4)


def test_unfrozen_member_has_the_frozen_part_in_common_and_the_rest_for_itself(
    bench: Bench,
) -> None:
    trainer = bench.trainer()
    params = trainer.canonical(HIDDEN.but(unfreeze_fraction=0.3))
    folds = trainer.fold_models(params, RATES[:1], lambda: None).weights(averaged=False)
    model = trainer.builder.model([(params, each) for each in folds])
    frozen = [layer for layer in model.layers if layer.name.startswith("frozen_")]
    assert len(frozen) == 1
    assert 0 < frozen[0].count_params() < model.count_params()
    images = bench.dataset.images[:8]
    alone = [trainer.builder.model([(params, each)]).predict(images, verbose=0) for each in folds]
    found = model.predict(images, verbose=0)
    np.testing.assert_allclose(found, np.mean(alone, axis=0), atol=1e-5)


def test_untrained_network_weighs_what_the_trained_one_does(bench: Bench) -> None:
    from bcsearch.export.weighing import megabytes_of, milliseconds_of

    trainer = bench.trainer()
    for params in (HIDDEN, trainer.canonical(HIDDEN.but(unfreeze_fraction=0.3))):
        before = trainer.builder.model([(params, trainer.untrained(params))])
        after = trainer.refit(params, RATES[:1], lambda: None)
        assert megabytes_of(before) == pytest.approx(megabytes_of(after))
        assert milliseconds_of(before) > 0


def test_trainer_on_other_folds_shares_features_and_trains_on_its_own_rows(bench: Bench) -> None:
    from bcsearch.data.folds import fresh_folds

    trainer = bench.trainer()
    before = trainer.fold_models(HIDDEN, RATES, lambda: None).predict([()])[0]
    passes = bench.features.passes
    other = trainer.on_folds(fresh_folds(bench.dataset, bench.folds, seed=4))
    models = other.fold_models(HIDDEN, RATES, lambda: None, repeat=1)
    seen = other.folds.out_of_fold(models.predict([()])[0])
    assert bench.features.passes == passes
    assert np.isfinite(seen).all()
    again = trainer.fold_models(HIDDEN, RATES, lambda: None).predict([()])[0]
    for fold, same in zip(before, again, strict=True):
        np.testing.assert_array_equal(fold, same)
    assert (seen.argmax(axis=1) == bench.dataset.labels).mean() > 0.3
