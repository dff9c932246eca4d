from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.costs.conftest import BATCH, DEAR, LITE, N_FOLDS, N_IMAGES, VIEW_BYTES

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from bcsearch.costs.forecast import Estimator
    from bcsearch.costs.play import Priced, Tally

TRAIN_STEPS = 5 * BATCH  # rows a fold is shown in an epoch: 80 images in batches of 16


def priced(estimator: Estimator, **wanted: str | float) -> Priced:
    return next(
        each
        for each in estimator.pool
        if all(each.candidate.values.get(name) == value for name, value in wanted.items())
    )


def tally(estimator: Estimator, *pool: Priced, n_trials: int = 1) -> Tally:
    search = estimator.table.search.model_copy(update={"pruner": "none"})
    training = estimator.table.training.model_copy(update={"patience": 100})
    table = replace(estimator.table, search=search, training=training)
    return table.play(pool, len(pool), n_trials, np.random.default_rng(0))


def test_epochs_of_a_head_and_of_a_suffix_cost_what_was_measured(estimator: Estimator) -> None:
    from bcsearch.costs.bill import EPOCH_SECONDS

    head = TRAIN_STEPS / BATCH * 0.001 + 20 * 1e-5 + EPOCH_SECONDS
    suffix = N_FOLDS * (TRAIN_STEPS * 0.005 + 0.1 + 20 * 0.001) + EPOCH_SECONDS
    assert priced(estimator, backbone=LITE, unfreeze_fraction=0.0).epochs == pytest.approx(
        [head] * 6
    )
    staged = priced(estimator, backbone=LITE, unfreeze_fraction=0.12)
    assert staged.epochs == pytest.approx([head] * 2 + [suffix] * 4)  # unfreeze_every = 2


def test_each_view_is_made_once_and_each_pass_goes_on_from_the_cut_that_is_kept(
    estimator: Estimator,
) -> None:
    frozen = priced(estimator, backbone=LITE, augment="light", unfreeze_fraction=0.0)
    once = tally(estimator, frozen)
    assert once.passes == 3 * N_IMAGES
    assert once.prefix == pytest.approx(
        N_IMAGES * (2 * 0.004 + 3 * (0.01 + 0.002))
    )  # from the images: both segments
    assert once.cache_bytes == N_IMAGES * (2 * VIEW_BYTES + 3 * 2 * 1280)
    assert (
        tally(estimator, frozen, n_trials=1).passes
        == tally(estimator, frozen, frozen, n_trials=2).passes
    )

    staged = priced(estimator, backbone=LITE, augment="light", unfreeze_fraction=0.12)
    deep = tally(estimator, staged)
    assert deep.passes == 6 * N_IMAGES  # at the cut, and from there to the features
    assert deep.prefix == pytest.approx(N_IMAGES * (2 * 0.004 + 3 * (0.01 + 0.002)))


def test_what_the_cache_holds_costs_nothing(estimator: Estimator) -> None:
    frozen = priced(estimator, backbone=LITE, augment="light", unfreeze_fraction=0.0)
    warm = replace(estimator.table, kept=frozenset(entry.key for entry in frozen.entries))
    played = warm.play([frozen], 1, 1, np.random.default_rng(0))
    assert (played.passes, played.prefix, played.cache_bytes) == (0, 0, 0)
    assert played.training > 0


def test_trial_costs_no_more_than_it_may_train_and_is_not_refitted_then(
    estimator: Estimator,
) -> None:
    staged = priced(estimator, backbone=LITE, augment="none", unfreeze_fraction=0.12)
    limited = replace(estimator, table=replace(estimator.table, trial_seconds=1.0))
    assert tally(estimator, staged, n_trials=1).training > staged.seconds > 1.0
    assert tally(limited, staged, n_trials=1).training == pytest.approx(1.0)


def test_trials_that_run_out_of_time_prune_no_others(estimator: Estimator) -> None:
    staged = priced(estimator, backbone=LITE, augment="none", unfreeze_fraction=0.12)
    search = estimator.table.search.model_copy(
        update={"pruner": "median", "pruner_trials": 3, "pruner_epochs": 0}
    )
    table = replace(estimator.table, search=search, trial_seconds=1.0)
    assert table.play([staged], 0, 30, np.random.default_rng(0)).training == pytest.approx(30.0)


def test_a_graph_is_traced_once(estimator: Estimator) -> None:
    staged = priced(estimator, backbone=LITE, augment="none", unfreeze_fraction=0.12)
    once, twice = tally(estimator, staged), tally(estimator, staged, staged, n_trials=2)
    from bcsearch.costs.play import REFIT_SECONDS, TRIAL_SECONDS

    traces = 0.5 + 3.0  # of the head, of the suffix
    load_and_passes = 2.0 + 2 * 1.0
    assert once.other == pytest.approx(REFIT_SECONDS + TRIAL_SECONDS + traces + load_and_passes)
    assert twice.other == pytest.approx(once.other + TRIAL_SECONDS)


def test_dearer_networks_make_a_dearer_study(estimator: Estimator) -> None:
    pools = {
        name: [each for each in estimator.pool if each.candidate.values["backbone"] == name]
        for name in (LITE, DEAR)
    }
    cheap, dear = (estimator.forecast(pools[name], 20).work.seconds for name in (LITE, DEAR))
    assert cheap < estimator.forecast(estimator.pool, 20).work.seconds < dear


def test_forecast_is_the_same_every_time_and_grows_with_the_trials(estimator: Estimator) -> None:
    forecasts = [estimator.forecast(estimator.pool, n_trials) for n_trials in (5, 20, 20, 80)]
    few, some, again, many = (forecast.work.seconds for forecast in forecasts)
    assert few < some == again < many


def test_rows_hold_every_entry_of_the_space_once(estimator: Estimator) -> None:
    forecast = estimator.forecast(estimator.pool, 20)
    keys = [(row.backbone, row.image_size, row.cut, row.view) for row in forecast.rows]
    assert (
        len(set(keys)) == len(keys) == 2 + 2 * 2 * 3
    )  # two copies; two networks, two cuts, three views
    assert forecast.all_bytes == sum(row.cache_bytes for row in forecast.rows)
    assert forecast.work.cache_bytes <= forecast.all_bytes
    assert sum(row.passes for row in forecast.rows) == 2 * 2 * 3 * N_IMAGES


def test_what_training_costs_is_told_for_each_cut(estimator: Estimator) -> None:
    rows = estimator.forecast(estimator.pool, 20).epochs
    places = [(row.backbone, round(row.trained, 2)) for row in rows]
    assert places == [(LITE, 0.0), (LITE, 0.12), (DEAR, 0.0), (DEAR, 0.05)]
    frozen, trained = rows[:2]
    assert [frozen.seconds, trained.seconds] == pytest.approx(
        [
            priced(estimator, backbone=LITE, unfreeze_fraction=0.12).epochs[place]
            for place in (0, -1)
        ]
    )


def test_what_is_unfrozen_gains_in_some_studies_and_loses_in_others_and_never_out_of_measure(
    estimator: Estimator,
) -> None:
    from bcsearch.costs.play import _targets

    pool = [priced(estimator, backbone=LITE, unfreeze_fraction=0.12)] * 5  # which cost the same
    studies = [_targets(pool, np.random.default_rng(seed)) for seed in range(20)]
    gains = [target[2] - target[0] for targets in studies for target in targets]
    assert min(gains) < 0 < max(gains)
    assert (
        max(abs(value) for targets in studies for target in targets for value in target.values())
        < 5
    )
