from __future__ import annotations

import numpy as np
import pytest

from bcsearch.config import Search, Training

pytestmark = pytest.mark.slow
TRAINING = Training(epochs=12, patience=4)


def play(
    search: Search, n_trials: int = 60, training: Training = TRAINING, seed: int = 3
) -> list[tuple[int, bool]]:
    from bcsearch.costs.curves import Race

    random = np.random.default_rng(seed)
    race = Race(search, training, random)
    return [race.run({0: float(random.normal())}) for _ in range(n_trials)]


def test_without_a_pruner_no_trial_is_pruned() -> None:
    assert all(completed for _, completed in play(Search(pruner="none")))


def test_no_trial_is_pruned_before_enough_have_completed_or_before_its_first_epochs() -> None:
    ran = play(Search(pruner_trials=7, pruner_epochs=3))
    assert all(completed for _, completed in ran[:7])
    assert min(epochs for epochs, completed in ran if not completed) == 4


def test_a_good_trial_outlives_a_bad_one() -> None:
    from bcsearch.costs.curves import Race

    race = Race(Search(), TRAINING, np.random.default_rng(0))
    for _ in range(8):
        race.run({0: 0.0})
    assert race.run({0: -5.0}) == (3, False)
    assert race.run({0: 5.0})[1] is True


def test_trials_end_by_patience_where_curves_are_flat() -> None:
    ran = play(Search(pruner="none"), training=Training(epochs=200, patience=2))
    assert max(epochs for epochs, _ in ran) < 60
    assert play(Search(pruner="none"), training=Training(epochs=3, patience=3)) == [(3, True)] * 60


def test_about_as_many_trials_complete_as_in_measured_sweeps() -> None:
    counts = []
    for seed in range(20):
        ran = play(Search(), 30, seed=seed)
        counts.append(sum(completed for _, completed in ran))
    assert 8 < np.mean(counts) < 16  # 12 of the 30 trials of lite on 4,188 real cells did


def test_patience_is_counted_from_the_last_stage_on() -> None:
    from bcsearch.costs.curves import Race

    training = Training(epochs=200, patience=2)
    races = [Race(Search(pruner="none"), training, np.random.default_rng(0)) for _ in range(2)]
    short, long = (
        race.run(targets)
        for race, targets in zip(races, ({0: 0.0}, {0: 0.0, 90: 0.0}), strict=True)
    )
    assert short[0] < 90 < long[0]


def test_a_trial_is_judged_by_its_head_until_more_is_trained() -> None:
    from bcsearch.costs.curves import Race

    race = Race(Search(), TRAINING, np.random.default_rng(0))
    for _ in range(8):
        race.run({0: 0.0})
    assert race.run({0: -5.0, 6: 5.0}) == (3, False)
    assert race.run({0: 5.0, 6: 5.0})[1] is True
