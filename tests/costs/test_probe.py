"""The probe on a real, small trainer: it measures every piece of a space and keeps nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.fakes import make_plan

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from bcsearch.config import Plan
    from bcsearch.training.trainer import Trainer

SPACE = {
    "backbone": {"choice": ["efficientnet_lite0", "custom"]},
    "image_size": 32,
    "augment": {"choice": ["none", "light"]},
    "views": 2,
    "unfreeze_fraction": {"float": [0.0, 0.8]},
    "unfreeze_schedule": {"choice": ["none", "half_then_all"]},
    "head_layers": {"int": [0, 1]},
    "batch_size": {"choice": [8, 16]},
    "learning_rate": {"float": [1e-4, 1e-2], "log": True},
}


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(SPACE, training={"epochs": 4, "patience": 4})


@pytest.fixture(scope="module")
def trainer(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    from bcsearch.backbones.weights import resolve_weights
    from bcsearch.data import Dataset
    from bcsearch.data.folds import make_folds
    from bcsearch.features.features import Features
    from bcsearch.features.store import Store
    from bcsearch.training.trainer import Trainer

    images = np.random.default_rng(0).integers(0, 256, (60, 32, 32, 3), np.uint8)
    dataset = Dataset(images=images, labels=np.arange(60) % 3, class_names=("a", "b", "c"))
    features = Features(
        images=images,
        fingerprint=dataset.fingerprint,
        store=Store(tmp_path_factory.mktemp("cache")),
        weights={name: resolve_weights(name, "auto") for name in ("efficientnet_lite0", "custom")},
        seed=0,
    )
    return Trainer(dataset, make_folds(dataset, n_folds=2), features, plan.sweep.training)


def test_everything_that_a_pool_needs_is_measured_and_nothing_is_kept(
    plan: Plan, trainer: Trainer
) -> None:
    from bcsearch.costs.bill import Bill

    from bcsearch.backbones.cuts import INPUT, POOLED
    from bcsearch.costs.pool import draw_pool
    from bcsearch.costs.probe import measure
    from bcsearch.costs.probe_training import MOST_CUTS

    pool = draw_pool(plan)
    speeds = measure(trainer, pool)
    assert trainer.features.store.entries() == []
    assert set(speeds.views) == {"light"}
    lite, custom = ("efficientnet_lite0", 32), ("custom", 32)
    assert set(speeds.load) == set(speeds.segments) == set(speeds.suffixes) == {lite, custom}
    read = {cut.name for each in pool if each.network == lite for cut in each.cuts_read}
    assert {segment.cut for segment in speeds.segments[lite]} == read
    assert speeds.segments[lite][-1].cut == POOLED
    assert INPUT not in read
    assert speeds.segments[custom] == ()
    assert len(speeds.suffixes[lite]) == MOST_CUTS
    assert [suffix.fraction for suffix in speeds.suffixes[custom]] == [1.0]
    assert {(head.weights, head.batch_size) for head in speeds.heads[1280]} == {
        (1280 * 3, 8), (1280 * 3, 16), (1280 * 256 + 256 * 3, 8), (1280 * 256 + 256 * 3, 16),
    }  # fmt: skip
    assert all(segment.per_image > 0 for segment in speeds.segments[lite])
    assert all(
        suffix.predict > 0 and suffix.build > 0
        for found in speeds.suffixes.values()
        for suffix in found
    )
    bill = Bill(speeds=speeds, task=trainer.folds)
    assert all(min(bill.epochs(each, 4)) > 0 for each in pool)


def test_forecast_counts_what_the_cache_holds_already(plan: Plan, trainer: Trainer) -> None:
    from bcsearch.costs.forecast import measured

    from bcsearch.backbones.cuts import POOLED
    from bcsearch.recipe import Params

    cold = measured(plan, trainer, [])
    trainer.features.activations(Params(image_size=32, augment="light", views=2), POOLED)
    warm = measured(plan, trainer, [])
    kept = {
        (row.backbone, row.cut, row.view) for row in warm.forecast(warm.pool, 10).rows if row.kept
    }
    assert kept == {
        ("", "input", "light 1"),
        ("efficientnet_lite0", "pooled", "original"),
        ("efficientnet_lite0", "pooled", "light 1"),
    }
    assert not any(row.kept for row in cold.forecast(cold.pool, 10).rows)


def test_pass_in_another_precision_is_traced_anew(trainer: Trainer) -> None:
    prefix, cut = trainer.features.prefix, "block13_add"
    shape = prefix.backbone("efficientnet_lite0", 32).get_layer(cut).output.shape[1:]
    for dtype in (np.float16, np.float32):
        rows = np.ones((2, *shape), dtype)
        (found,) = prefix.forward("efficientnet_lite0", 32, cut, "pooled", rows.dtype).run(rows)
        assert found.shape == (2, 1280)
