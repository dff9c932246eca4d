"""Passes and bytes are counted exactly; seconds follow from made-up speeds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bcsearch.errors import ConfigError
from tests.costs.conftest import N_IMAGES
from tests.fakes import make_plan

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from pathlib import Path

    from bcsearch.config import Plan
    from bcsearch.costs.pool import Candidate
    from bcsearch.costs.speeds import Speeds
    from bcsearch.records.costs import StudyCosts
    from bcsearch.training.trainer import Trainer


def speeds_of(pool: list[Candidate]) -> Speeds:
    """Return speeds: 1 ms an image and cut, 10 ms a view, 0.1 s a step of heads, 20 ms a suffix."""
    from bcsearch.backbones.cuts import POOLED_BY, cuts_of
    from bcsearch.costs.speeds import HeadSpeed, SegmentSpeed, Speeds, SuffixSpeed

    made = Speeds(views={("light",): 0.01})
    for each in pool:
        inner = [cut.name for cut in cuts_of(*each.network)[1:-1]]
        cuts = [*inner, *POOLED_BY.values()]
        made.segments[each.network] = tuple(SegmentSpeed(cut=cut, per_image=0.001) for cut in cuts)
        suffix = SuffixSpeed(fraction=0.5, train=0.02, turn=0.0, predict=0.0)
        made.suffixes[each.network] = (suffix,)
        head = HeadSpeed(weights=1, batch_size=8, step=0.1, predict=0.0)
        made.heads[each.n_features] = (head,)
    return made


def costs(plan: Plan, trainer: Trainer, n_trials: int = 10) -> StudyCosts:
    from bcsearch.costs.pool import draw_pool
    from bcsearch.costs.study_costs import costs_of

    pool = draw_pool(plan)
    return costs_of(plan, trainer, pool, speeds_of(pool), n_trials)


def test_every_view_and_cut_of_the_space_is_counted_once(plan: Plan, trainer: Trainer) -> None:
    found = costs(plan, trainer)
    rows = [(row.backbone, row.cut, row.view) for row in found.rows]
    assert len(rows) == len(set(rows))
    assert ("", "input", "light (copy 1)") in rows
    assert ("efficientnet_lite0", "pooled", "original") in rows
    assert ("efficientnet_lite0", "pooled", "light (copy 1)") in rows
    assert not [row for row in rows if row[0] == "custom"]  # it is trained whole, from images
    by_key = {(row.cut, row.view): row for row in found.rows}
    pooled = by_key["pooled", "original"]
    assert (pooled.passes, pooled.cache_bytes) == (N_IMAGES, N_IMAGES * 1280 * 2)
    view = by_key["input", "light (copy 1)"]
    assert (view.passes, view.cache_bytes) == (0, N_IMAGES * 32 * 32 * 3)
    assert view.seconds == pytest.approx(N_IMAGES * 0.01)


def test_passes_that_are_counted_are_those_that_training_makes(
    trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bcsearch.costs.pool import all_points
    from bcsearch.features.store import Store
    from bcsearch.records.checkpoint import NoCheckpoints

    plan = make_plan(
        {
            "backbone": {"choice": ["efficientnet_lite0", "custom"]},
            "image_size": 32,
            "pooling": {"choice": ["average", "max", "both"]},
            "class_weights": {"choice": ["none", "confusion"]},
            "units_1": 8,
        },
        training={"epochs": 4, "patience": 4},
    )
    monkeypatch.setattr(trainer.features, "store", Store(tmp_path))
    counted, before = costs(plan, trainer), trainer.features.passes
    for each in all_points(plan):
        values = {**each.values, "class_weights": "confusion"}
        trainer(trainer.canonical(values), lambda epoch, score: True, NoCheckpoints())
    assert counted.passes == trainer.features.passes - before == 3 * N_IMAGES
    entries = trainer.features.store.entries()
    assert counted.cache_bytes == sum(entry.n_bytes for entry in entries) == N_IMAGES * 4 * 2560
    assert len({row.seconds for row in counted.rows}) == 1  # no pooling waits for another


def test_passes_of_fresh_views_are_at_most_what_is_counted_and_no_cache_holds_them(
    trainer: Trainer, tmp_path: Path
) -> None:
    from bcsearch.costs.limit import check_cache
    from bcsearch.costs.pool import draw_pool
    from bcsearch.costs.study_costs import study_costs
    from bcsearch.data import Dataset
    from bcsearch.data.folds import make_folds
    from bcsearch.features.store import Store
    from bcsearch.records.checkpoint import NoCheckpoints
    from bcsearch.scores.table import chosen_scores
    from bcsearch.training.trainer import Trainer

    plan = make_plan(
        {
            "image_size": 32,
            "augment": "light",
            "views": {"int": [2, 8]},
            "unfreeze_fraction": 0.12,
            "unfreeze_schedule": "half_then_all",
            "unfreeze_every": 1,
            "units_1": 8,
            "batch_size": 16,
        },
        training={"epochs": 4, "patience": 4},
        views={"mode": "online"},
    )
    features = replace(trainer.features, store=Store(tmp_path))
    labels = trainer.folds.labels
    dataset = Dataset(images=features.images, labels=labels, class_names=("a", "b", "c"))
    folds = make_folds(dataset, n_folds=2)
    online = Trainer(dataset, folds, features, plan.sweep, chosen_scores(plan.sweep.search))
    found = study_costs(plan, online, 2)
    assert found.most_fresh_passes == 2 * 4 * N_IMAGES
    assert {row.view for row in found.rows} == {"original"}
    before = features.passes
    for each in draw_pool(plan)[:2]:
        online(online.canonical(each.values), lambda epoch, score: False, NoCheckpoints())
    assert features.passes - before == found.passes + found.most_fresh_passes
    assert found.cache_bytes == sum(entry.n_bytes for entry in features.store.entries())
    check_cache(plan, online, found.cache_bytes)


def test_range_is_from_the_fewest_epochs_to_all_of_them(plan: Plan, trainer: Trainer) -> None:
    few, many = costs(plan, trainer, 10), costs(plan, trainer, 20)
    assert (few.fewest_epochs, few.most_epochs) == (3, 4)  # pruned at the third epoch
    assert few.pass_seconds < few.least_seconds < few.most_seconds
    assert many.least_seconds - many.pass_seconds == pytest.approx(
        2 * (few.least_seconds - few.pass_seconds)
    )


def test_what_the_cache_has_already_costs_nothing(plan: Plan, trainer: Trainer) -> None:
    from bcsearch.views.view import View

    before = costs(plan, trainer)
    trainer.features.activations("efficientnet_lite0", 32, "pooled", View())
    after = costs(plan, trainer)
    assert [row.cut for row in after.rows if row.kept] == ["pooled"]
    assert before.passes - after.passes == N_IMAGES
    assert before.cache_bytes - after.cache_bytes == N_IMAGES * 1280 * 2


def test_space_that_needs_more_cache_than_allowed_is_refused_naming_what_would_fit(
    plan: Plan, trainer: Trainer
) -> None:
    from bcsearch.costs.limit import check_cache

    whole = costs(plan, trainer).cache_bytes
    check_cache(plan, trainer, whole)
    with pytest.raises(ConfigError) as caught:
        check_cache(plan, trainer, round(0.9 * whole))
    message = str(caught.value)
    assert len(message) < 500
    assert message.startswith("--max-cache: came ")
    assert "what would fit, without augment = 'light': " in message
    with pytest.raises(ConfigError, match="the least that it can be"):
        check_cache(plan, trainer, -1)
