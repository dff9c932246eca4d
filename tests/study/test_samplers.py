from __future__ import annotations

from collections import Counter
from math import log10
from typing import TYPE_CHECKING, Any

import optuna
import pytest

from bcsearch.config import find_files, load_plan
from bcsearch.objective.suggest import suggest_values
from bcsearch.study.balanced import balanced_points
from bcsearch.study.samplers import PRUNERS, SAMPLERS, build_pruner, build_sampler
from tests.fakes import make_plan

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from bcsearch.config import Plan

VIEWS: dict[str, Any] = {
    "augment": {"choice": ["none", "light", "medium", "strong"]},
    "head_layers": {"int": [0, 2]},
    "units_2": {"choice": [64, 128], "when": {"head_layers": [2]}},
    "learning_rate": {"float": [1e-4, 1e-2], "log": True},
}


def draws(sampler: optuna.samplers.BaseSampler) -> list[float]:
    study = optuna.create_study(sampler=sampler)
    return [study.ask().suggest_float("x", 0, 1) for _ in range(3)]


@pytest.mark.parametrize("kind", SAMPLERS)
def test_draws_depend_on_the_seed_and_on_the_worker_only(kind: str) -> None:
    plan = make_plan(search={"sampler": kind, "seed": 3})
    other = make_plan(search={"sampler": kind, "seed": 4})
    assert draws(build_sampler(plan, "a", 5)) == draws(build_sampler(plan, "a", 5))
    seen = [draws(build_sampler(plan, *parts)) for parts in [(), ("a", 5), ("b", 5), ("a", 6)]]
    seen.append(draws(build_sampler(other, "a", 5)))
    assert len({tuple(drawn) for drawn in seen}) == len(seen)


def test_tpe_draws_conditional_parameters_together() -> None:
    sampler = build_sampler(make_plan(search={"sampler": "tpe", "startup_trials": 7}))
    assert isinstance(sampler, optuna.samplers.TPESampler)
    assert (sampler._multivariate, sampler._group, sampler._constant_liar) == (True, True, True)
    assert sampler._n_startup_trials == 7


STARTUP = {"sampler": "tpe", "startup_trials": 12}


def search(plan: Plan, *parts: str | int, trials: range) -> list[FrozenTrial]:
    """Draw trials as a worker does; the first is a start point, a rate is its score."""
    study = optuna.create_study(sampler=build_sampler(plan, *parts), direction="maximize")
    for number in range(trials.stop):
        if number == 0 or number not in trials:
            study.add_trial(optuna.create_trial(value=0.5))  # a start point, or another worker's
            continue
        trial = study.ask()
        values = suggest_values(trial, plan.space)
        study.tell(trial, float(values["learning_rate"]))
    return study.get_trials()


def test_start_up_draws_cover_every_choice_and_spread_over_ranges() -> None:
    plan = make_plan(VIEWS, search=STARTUP, start=[{"learning_rate": 1e-3}])
    drawn = [trial.params for trial in search(plan, trials=range(1, 13))[1:]]
    counts = Counter(values["augment"] for values in drawn)
    assert counts == dict.fromkeys(["none", "light", "medium", "strong"], 3)
    assert Counter(values["head_layers"] for values in drawn) == {0: 4, 1: 4, 2: 4}
    units = Counter(values["units_2"] for values in drawn if "units_2" in values)
    assert units == {64: 2, 128: 2}
    twelfths = sorted(int(12 * (log10(values["learning_rate"]) + 4) / 2) for values in drawn)
    assert twelfths == list(range(12))


def test_start_up_draws_are_as_many_as_the_longest_choice_has_values() -> None:
    sizes = list(range(32, 52))
    space = {"image_size": {"choice": sizes}, "learning_rate": VIEWS["learning_rate"]}
    plan = make_plan(space, search=STARTUP, start=[{"image_size": 32, "learning_rate": 1e-3}])
    drawn = [trial.params["image_size"] for trial in search(plan, trials=range(1, 21))[1:]]
    assert sorted(drawn) == sizes


def test_workers_share_the_start_up_draws() -> None:
    plan = make_plan(VIEWS, search=STARTUP, start=[{"learning_rate": 1e-3}])
    alone = search(plan, trials=range(1, 13))
    first = search(plan, "a", 0, trials=range(1, 7))
    second = search(plan, "b", 3, trials=range(7, 13))
    together = [trial.params for trial in first[1:] + second[7:]]
    assert together == [trial.params for trial in alone[1:]]


def test_after_its_start_up_draws_the_sampler_learns() -> None:
    plan = make_plan(VIEWS, search=STARTUP, start=[{"learning_rate": 1e-3}])
    found = search(plan, trials=range(1, 60))
    rates = [trial.params["learning_rate"] for trial in found if trial.params]
    assert sum(rates[-20:]) / 20 > 2 * sum(rates[:12]) / 12  # higher is better there


@pytest.mark.parametrize("n_points", [1, 2, 5, 40])
def test_balanced_points_lie_in_their_space_however_many_there_are(n_points: int) -> None:
    for name in find_files("sweeps"):
        space = load_plan(name).space
        points = balanced_points(space, n_points, seed=0)
        for point in points:
            assert all(space.varied[key].holds(value) for key, value in point.items())
            values = {**space.fixed, **point}
            assert set(point) == {
                key for key, param in space.varied.items() if param.acts_in(values)
            }
        assert points == balanced_points(space, n_points, seed=0)
        if n_points > 1:
            assert points != balanced_points(space, n_points, seed=1)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("median", optuna.pruners.MedianPruner), ("none", optuna.pruners.NopPruner)],
)
def test_pruner_is_the_one_asked_for(kind: str, expected: type) -> None:
    assert set(PRUNERS) == {"median", "none"}
    assert isinstance(build_pruner(make_plan(search={"pruner": kind})), expected)


def test_median_pruner_takes_its_limits_from_the_search() -> None:
    search = {"pruner": "median", "pruner_trials": 6, "pruner_epochs": 4}
    pruner = build_pruner(make_plan(search=search))
    assert isinstance(pruner, optuna.pruners.MedianPruner)
    assert (pruner._n_startup_trials, pruner._n_warmup_steps, pruner._n_min_trials) == (6, 4, 3)


@pytest.mark.parametrize(("n_strong", "expected"), [(0, False), (2, False), (3, True)])
def test_no_trial_is_pruned_before_its_augmentation_completed_three_times(
    n_strong: int, expected: bool
) -> None:
    search = {"pruner": "median", "pruner_trials": 3, "pruner_epochs": 0}
    study = optuna.create_study(
        pruner=build_pruner(make_plan(VIEWS, search=search)), direction="maximize"
    )
    choices = optuna.distributions.CategoricalDistribution(VIEWS["augment"]["choice"])
    for augment in ["light"] * 5 + ["strong"] * n_strong:
        done = optuna.create_trial(
            params={"augment": augment},
            distributions={"augment": choices},
            value=0.9,
            intermediate_values={0: 0.9, 1: 0.9},
        )
        study.add_trial(done)
    study.enqueue_trial({"augment": "strong"})
    weak = study.ask(fixed_distributions={"augment": choices})
    weak.report(0.1, 1)
    assert bool(weak.should_prune()) is expected
