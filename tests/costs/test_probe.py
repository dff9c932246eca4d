"""The probe measures every piece that a space is made of, and keeps nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bcsearch.errors import InfeasibleError
from tests.fakes import make_plan

pytestmark = pytest.mark.slow

HEADS = {"image_size": 32, "head_layers": {"int": [0, 2]}, "batch_size": {"choice": [8, 16]}}

if TYPE_CHECKING:
    from typing import NoReturn

    from bcsearch.config import Plan
    from bcsearch.training.trainer import Trainer


def test_everything_that_a_pool_needs_is_measured_and_nothing_is_kept(
    plan: Plan, trainer: Trainer
) -> None:
    from bcsearch.backbones.cuts import POOLED
    from bcsearch.costs.pool import draw_pool
    from bcsearch.costs.probe import measure
    from bcsearch.costs.probe_training import MOST_CUTS

    pool = draw_pool(plan)
    speeds = measure(trainer, pool)
    assert trainer.features.store.entries() == []
    assert set(speeds.views) == {("light",)}
    lite, custom = ("efficientnet_lite0", 32), ("custom", 32)
    assert set(speeds.segments) == set(speeds.suffixes) == {lite, custom}
    trained = {stage.cut.name for each in pool if each.network == lite for stage in each.stages}
    assert {segment.cut for segment in speeds.segments[lite]} == trained - {"input"}
    assert speeds.segments[lite][-1].cut == POOLED
    assert speeds.segments[custom] == ()
    assert len(speeds.suffixes[lite]) == MOST_CUTS
    assert [suffix.fraction for suffix in speeds.suffixes[custom]] == [1.0]
    assert {(head.weights, head.batch_size) for head in speeds.heads[1280]} == {
        (1280 * 3, 8), (1280 * 3, 16), (1280 * 256 + 256 * 3, 8), (1280 * 256 + 256 * 3, 16),
    }  # fmt: skip
    assert all(segment.per_image > 0 for segment in speeds.segments[lite])
    assert all(suffix.predict > 0 for found in speeds.suffixes.values() for suffix in found)


def test_pass_in_another_precision_is_traced_again(trainer: Trainer) -> None:
    prefix, cut = trainer.features.prefix, "block13_add"
    shape = prefix.backbone("efficientnet_lite0", 32).get_layer(cut).output.shape[1:]
    for dtype in (np.float16, np.float32):
        rows = np.ones((2, *shape), dtype)
        (found,) = prefix.forward("efficientnet_lite0", 32, cut, "pooled", rows.dtype).run(rows)
        assert found.shape == (2, 1280)


def test_measuring_of_heads_ends_as_soon_as_the_user_asks_for_it(
    trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bcsearch.costs.pool import draw_pool
    from bcsearch.costs.probe import measure

    asked = 0

    def interrupted_at_the_third() -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(trainer.features.store, "check", interrupted_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        measure(trainer, draw_pool(make_plan(HEADS)))
    assert asked == 3


def test_running_out_of_memory_as_heads_are_measured_is_one_line(
    trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bcsearch.costs import probe_training
    from bcsearch.costs.study_costs import study_costs

    def full(*_: object, **__: object) -> NoReturn:
        raise MemoryError("no 9 GB")

    monkeypatch.setattr(probe_training, "HeadTrainer", full)
    with pytest.raises(InfeasibleError, match=r"^what a trial costs .*no 9 GB; narrow units"):
        study_costs(make_plan(HEADS), trainer, 4)
