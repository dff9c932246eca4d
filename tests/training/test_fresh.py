"""Training on a fresh view in every epoch: the same bits again, no leak, nothing kept."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bcsearch.data import Dataset
from bcsearch.data.folds import make_folds
from bcsearch.errors import InfeasibleError
from bcsearch.features.store import Store
from bcsearch.recipe import Params
from bcsearch.records.checkpoint import NoCheckpoints
from tests.fakes import make_plan
from tests.training.taken_up import train_stretch

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bcsearch.data.folds import Folds
    from bcsearch.records import TrainResult
    from bcsearch.training.fresh import FreshViews
    from bcsearch.training.protocol import Shown
    from bcsearch.training.trainer import Trainer

N, SIDE, CLASSES, EPOCHS = 48, 32, 3, 3
LABELS = np.arange(N) % CLASSES
NOISE = np.random.default_rng(0).integers(0, 120, (N, SIDE, SIDE, 3))
IMAGES = (NOISE + 60 * LABELS[:, None, None, None]).astype(np.uint8)
DATASET = Dataset(images=IMAGES, labels=LABELS, class_names=("a", "b", "c"))
FOLDS = make_folds(DATASET, n_folds=3)
HEAD = Params(augment="light", image_size=SIDE, units_1=8, batch_size=8)
STAGED = HEAD.but(unfreeze_fraction=0.12, unfreeze_schedule="half_then_all", unfreeze_every=1)
WHOLE = Params(augment="light", backbone="custom", image_size=SIDE, units_1=8, batch_size=8)
MIXED = HEAD.but(mix="cutmix_or_mixup", mix_alpha=1.0)
KINDS = {"head": HEAD, "staged": STAGED, "whole network": WHOLE, "mixed": MIXED}


def trainer_of(
    root: Path, dataset: Dataset = DATASET, folds: Folds = FOLDS, mode: str = "online"
) -> Trainer:
    from bcsearch.backbones.weights import resolve_weights
    from bcsearch.features.features import Features
    from bcsearch.scores.table import chosen_scores
    from bcsearch.training.trainer import Trainer

    sweep = make_plan(training={"epochs": EPOCHS, "patience": EPOCHS}, views={"mode": mode}).sweep
    weights = {name: resolve_weights(name, "auto") for name in ("efficientnet_lite0", "custom")}
    features = Features(images=dataset.images, store=Store(root), weights=weights)
    return Trainer(dataset, folds, features, sweep, chosen_scores(sweep.search))


def run(trainer: Trainer, params: Params, repeat: int = 0) -> TrainResult:
    return trainer(
        trainer.canonical(params), lambda epoch, score: False, NoCheckpoints(), repeat=repeat
    )


def fresh_of(trainer: Trainer, params: Params, cut: str = "input") -> FreshViews:
    from bcsearch.training.fresh import FreshViews

    return FreshViews(trainer.features, trainer.views, params, cut, trainer.folds, 7)


def shown(trainer: Trainer, params: Params, epoch: int = 0, cut: str = "input") -> Shown:
    return fresh_of(trainer, params, cut)(epoch, lambda: None)


@pytest.mark.parametrize("params", [HEAD, MIXED], ids=["plain", "mixed"])
def test_every_epoch_shows_another_view_and_the_same_one_when_it_comes_again(
    tmp_path: Path, params: Params
) -> None:
    trainer, later = trainer_of(tmp_path), trainer_of(tmp_path)
    epochs = [shown(trainer, params, epoch) for epoch in range(3)]
    for epoch, (views, targets) in reversed(list(enumerate(epochs))):
        again = shown(later, params, epoch)
        np.testing.assert_array_equal(views[0], again.views[0])
        np.testing.assert_array_equal(targets, again.targets)
    for other in (1, 2):
        differ = epochs[0].views[0] != epochs[other].views[0]
        assert differ.reshape(N, -1).any(axis=1).mean() > 0.9


def test_processes_that_make_the_views_of_all_epochs_change_no_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = [shown(trainer_of(tmp_path), MIXED, epoch).views[0] for epoch in range(2)]
    monkeypatch.setattr("bcsearch.features.features.POOL_IMAGES", 1)
    trainer = trainer_of(tmp_path)
    trainer.features.n_processes = 2
    fresh = fresh_of(trainer, MIXED)
    for epoch, expected in enumerate(alone):
        np.testing.assert_array_equal(fresh(epoch, lambda: None).views[0], expected)
    del fresh
    for process in multiprocessing.active_children():
        process.join()


def test_what_is_shown_at_a_cut_is_what_the_cache_would_keep_of_that_view(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path)
    for cut in ("block14_add", "pooled"):
        ((found,), targets) = shown(trainer, HEAD, 2, cut)
        view = trainer.views.fresh(HEAD, 2)
        kept = trainer.features.activations(HEAD.backbone, SIDE, cut, view)
        assert found.dtype == kept.dtype
        np.testing.assert_array_equal(found, kept)
        np.testing.assert_array_equal(targets.argmax(axis=1), LABELS)


@pytest.mark.parametrize("kind", KINDS)
def test_trial_is_repeated_bit_by_bit_and_a_killed_one_ends_as_one_that_ran_through(
    tmp_path: Path, kind: str
) -> None:
    params = trainer_of(tmp_path).canonical(KINDS[kind])
    whole, again = run(trainer_of(tmp_path), params), run(trainer_of(tmp_path), params)
    assert whole.epochs == again.epochs

    path = tmp_path / "trial.npz"
    train_stretch(trainer_of(tmp_path), params, path, 2)
    resumed, _ = train_stretch(trainer_of(tmp_path), params, path, 99)
    assert resumed.epochs == whole.epochs
    np.testing.assert_array_equal(resumed.probabilities, whole.probabilities)


def test_repeat_of_a_trial_trains_on_the_same_views_by_another_seed(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path)
    first, second, again = (run(trainer, MIXED, repeat) for repeat in (0, 1, 1))
    assert first.epochs[0].train_loss != second.epochs[0].train_loss
    assert second.epochs == again.epochs


@pytest.mark.parametrize("params", [HEAD, MIXED, WHOLE], ids=["head", "mixed", "whole network"])
def test_changing_the_rows_of_one_fold_leaves_the_others_the_same_bits(
    tmp_path: Path, params: Params
) -> None:
    parts = np.split(np.random.default_rng(1).permutation(N), 6)
    apart = tuple(
        replace(fold, train=np.sort(parts[2 * place]), valid=np.sort(parts[2 * place + 1]))
        for place, fold in enumerate(FOLDS.folds)
    )
    folds = replace(FOLDS, folds=apart)
    images, labels = IMAGES.copy(), LABELS.copy()
    images[apart[1].train] = 255 - images[apart[1].train]
    labels[apart[1].train] = (labels[apart[1].train] + 1) % CLASSES
    changed = replace(DATASET, images=images, labels=labels)
    before, after = (
        trainer_of(tmp_path, dataset, folds)
        .fold_models(params, [1e-2] * 2, lambda: None)
        .predict([()])[0]
        for dataset in (DATASET, changed)
    )
    np.testing.assert_array_equal(before[0], after[0])
    np.testing.assert_array_equal(before[2], after[2])
    assert not np.array_equal(before[1], after[1])


@pytest.mark.parametrize("mix", ["mixup", "cutmix", "cutmix_or_mixup"])
def test_no_image_that_a_fold_validates_on_is_mixed_into_what_it_trains_on(
    tmp_path: Path, mix: str
) -> None:
    params = MIXED.but(mix=mix)
    before = shown(trainer_of(tmp_path), params)
    for fold in FOLDS.folds:
        images, labels = IMAGES.copy(), LABELS.copy()
        images[fold.valid], labels[fold.valid] = 0, 0
        changed = trainer_of(tmp_path, replace(DATASET, images=images, labels=labels))
        after = shown(changed, params)
        rows = fold.train
        np.testing.assert_array_equal(before.views[0][rows], after.views[0][rows])
        np.testing.assert_array_equal(before.targets[rows], after.targets[rows])
        others = fold.valid
        assert not np.array_equal(before.views[0][others], after.views[0][others])


@pytest.mark.parametrize("mix", ["mixup", "cutmix", "cutmix_or_mixup"])
def test_labels_are_mixed_as_the_images_are(tmp_path: Path, mix: str) -> None:
    levels = np.array([40.0, 120.0, 200.0])
    images = np.broadcast_to(levels[LABELS][:, None, None, None], IMAGES.shape).astype(np.uint8)
    trainer = trainer_of(tmp_path, replace(DATASET, images=images))
    params = HEAD.but(augment="none", mix=mix, mix_alpha=1.0, mix_probability=0.8)
    ((found,), targets) = shown(trainer, params)
    np.testing.assert_allclose(targets.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(found.mean(axis=(1, 2, 3)), targets @ levels, atol=1.0)
    share_mixed = (targets.max(axis=1) < 0.99).mean()
    assert 0.2 < share_mixed < 0.8  # a third of the partners are of the same class
    alone = shown(trainer, params.but(mix_probability=0.0))
    np.testing.assert_array_equal(alone.views[0], images)


def test_mixing_groups_are_wholly_inside_or_outside_of_every_fold() -> None:
    from bcsearch.training.fresh import mixing_groups

    rows = [fold.train for fold in FOLDS.folds]
    groups = mixing_groups(rows, N)
    assert len(groups) == 3
    np.testing.assert_array_equal(np.sort(np.concatenate(groups)), np.arange(N))
    for train in rows:
        assert {np.isin(group, train).mean() for group in groups} == {0.0, 1.0}
    (whole,) = mixing_groups([np.arange(5, N)], N)
    np.testing.assert_array_equal(whole, np.arange(5, N))


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_but_the_clean_view_is_kept_and_an_epoch_costs_one_pass_for_all_folds(
    tmp_path: Path, kind: str
) -> None:
    trainer = trainer_of(tmp_path)
    params = trainer.canonical(KINDS[kind])
    trainer.features.prepare(params.backbone, SIDE, [])
    run(trainer, params)
    entries = trainer.features.store.entries()
    assert not [entry for entry in entries if "copy" in entry.title or entry.kind == "view"]
    n_kept = len(entries)
    before = trainer.features.passes
    run(trainer, params)  # the clean view is there
    expected = 0 if kind == "whole network" else EPOCHS * N
    assert trainer.features.passes - before == expected
    assert len(trainer.features.store.entries()) == n_kept


@pytest.mark.parametrize("backbone", ["efficientnet_lite0", "custom"])
def test_without_augmentation_online_is_stored(tmp_path: Path, backbone: str) -> None:
    params = HEAD.but(augment="none", backbone=backbone)
    found = {}
    for mode in ("stored", "online"):
        trainer = trainer_of(tmp_path / mode, mode=mode)
        found[mode] = (run(trainer, params), trainer.features.passes)
    (stored, passes), (online, fresh_passes) = found["stored"], found["online"]
    assert stored.epochs == online.epochs
    np.testing.assert_array_equal(stored.probabilities, online.probabilities)
    assert passes == fresh_passes


def test_number_of_views_does_not_act_online(tmp_path: Path) -> None:
    many, few = HEAD.but(views=12), HEAD.but(views=2)
    online, stored = trainer_of(tmp_path), trainer_of(tmp_path, mode="stored")
    assert online.canonical(many) == online.canonical(few)
    assert stored.canonical(many) != stored.canonical(few)


def test_refit_sees_every_image_afresh_in_each_epoch(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path)
    first, again = (trainer.refit(MIXED, [1e-2] * 3, lambda: None) for _ in range(2))
    assert trainer.features.passes == N * (1 + 2 * 3)
    given = [model.predict(IMAGES, verbose=0) for model in (first, again)]
    np.testing.assert_array_equal(*given)


def test_images_that_no_fold_trains_on_are_not_put_through(tmp_path: Path) -> None:
    folds = make_folds(DATASET, kind="split")
    trainer = trainer_of(tmp_path, folds=folds)
    run(trainer, HEAD)
    assert trainer.features.passes == N + EPOCHS * len(folds.folds[0].train)


def stop_at(call: int) -> Callable[[], None]:
    calls: list[int] = []

    def check() -> None:
        calls.append(1)
        if len(calls) == call:
            raise KeyboardInterrupt

    return check


@pytest.mark.parametrize("params", [HEAD, MIXED], ids=["plain", "mixed"])
def test_an_epoch_may_be_ended_between_chunks_of_its_pass(tmp_path: Path, params: Params) -> None:
    many = Dataset(
        images=np.tile(IMAGES[:, :8, :8], (14, 1, 1, 1)),
        labels=np.tile(LABELS, 14),
        class_names=("a", "b", "c"),
    )
    trainer = trainer_of(tmp_path, many, make_folds(many, n_folds=3))
    fresh = fresh_of(trainer, params)
    for call in (1, 2, 3):
        with pytest.raises(KeyboardInterrupt):
            fresh(0, stop_at(call))


def test_trial_ends_during_the_pass_of_an_epoch_once_its_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, asked = trainer_of(tmp_path), list[Any]()
    monkeypatch.setattr("bcsearch.training.heads.Batches.rows", lambda *_: asked.append(1))
    with pytest.raises(InfeasibleError, match=r"\[limits\] trial_seconds allows 1e-09"):
        trainer(HEAD, lambda epoch, score: False, NoCheckpoints(), 1e-9)
    assert asked == []
