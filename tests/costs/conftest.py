"""Made-up speeds for the joint sweep on a made-up dataset: costs can be worked out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.fakes import make_plan

if TYPE_CHECKING:
    from bcsearch.costs.forecast import Estimator

    from bcsearch.config import Plan
    from bcsearch.costs.speeds import Speeds
    from bcsearch.training.task import Task

N_IMAGES, N_FOLDS, BATCH = 100, 5, 16
VIEW_BYTES = 3 * 96 * 96
LITE, DEAR = "efficientnet_lite0", "mobilenetv3_large"
SPACE = {
    "backbone": {"choice": [LITE, DEAR]},
    "augment": {"choice": ["none", "light"]},
    "views": 3,
    "unfreeze_fraction": {"choice": [0.0, 0.12]},
    "unfreeze_schedule": "half_then_all",
    "unfreeze_every": 2,
    "head_layers": 0,
    "batch_size": BATCH,
    "learning_rate": {"float": [1e-4, 1e-2], "log": True},
}


@pytest.fixture(scope="session")
def plan() -> Plan:
    return make_plan(SPACE, search={"trials": 20}, training={"epochs": 6, "patience": 6})


@pytest.fixture(scope="session")
def task() -> Task:
    from bcsearch.training.task import Task

    parts = np.arange(N_IMAGES) % N_FOLDS
    return Task(
        labels=parts,
        n_classes=N_FOLDS,
        train_rows=[np.flatnonzero(parts != fold) for fold in range(N_FOLDS)],
        valid_rows=[np.flatnonzero(parts == fold) for fold in range(N_FOLDS)],
    )


@pytest.fixture(scope="session")
def speeds(plan: Plan) -> Speeds:
    """Return speeds by which the second backbone is ten times as dear as the first."""
    from bcsearch.costs.pool import draw_pool
    from bcsearch.costs.speeds import HeadSpeed, SegmentSpeed, Speeds, SuffixSpeed

    made = Speeds(views={"light": 0.004})
    pool = draw_pool(plan)
    for each in pool:
        times = 10.0 if each.params.backbone == DEAR else 1.0
        cuts = {cut for other in pool if other.network == each.network for cut in other.cuts_read}
        names = [cut.name for cut in sorted(cuts, key=lambda cut: -cut.fraction)]
        made.load[each.network] = 2.0
        made.segments[each.network] = tuple(
            SegmentSpeed(
                cut=name, per_image=0.01 * times if place == 0 else 0.002 * times, build=1.0
            )
            for place, name in enumerate(names)
        )
        made.suffixes[each.network] = (
            SuffixSpeed(
                fraction=0.12, train=0.005 * times, turn=0.1, predict=0.001 * times, build=3.0
            ),
        )
        made.heads[each.n_features] = (
            HeadSpeed(weights=100, batch_size=BATCH, step=0.001, predict=1e-5, build=0.5),
        )
    return made


@pytest.fixture(scope="session")
def estimator(plan: Plan, speeds: Speeds, task: Task) -> Estimator:
    from bcsearch.costs.forecast import estimator_of

    from bcsearch.costs.pool import draw_pool

    return estimator_of(plan, draw_pool(plan), speeds, task, view_bytes=VIEW_BYTES)
