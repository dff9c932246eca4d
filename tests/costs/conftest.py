"""A small real trainer over a space of two backbones, for what a study costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.fakes import make_plan

if TYPE_CHECKING:
    from bcsearch.config import Plan
    from bcsearch.training.trainer import Trainer

N_IMAGES = 60
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
    return make_plan(SPACE, training={"epochs": 4, "patience": 4}, search={"pruner": "median"})


@pytest.fixture(scope="module")
def trainer(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    from bcsearch.backbones.weights import resolve_weights
    from bcsearch.data import Dataset
    from bcsearch.data.folds import make_folds
    from bcsearch.features.features import Features
    from bcsearch.features.store import Store
    from bcsearch.scores.table import chosen_scores
    from bcsearch.training.trainer import Trainer

    images = np.random.default_rng(0).integers(0, 256, (N_IMAGES, 32, 32, 3), np.uint8)
    labels = np.arange(N_IMAGES) % 3
    dataset = Dataset(images=images, labels=labels, class_names=("a", "b", "c"))
    features = Features(
        images=images,
        store=Store(tmp_path_factory.mktemp("cache")),
        weights={name: resolve_weights(name, "auto") for name in ("efficientnet_lite0", "custom")},
    )
    folds = make_folds(dataset, n_folds=2)
    return Trainer(dataset, folds, features, plan.sweep, chosen_scores(plan.sweep.search))
