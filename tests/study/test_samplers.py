from __future__ import annotations

import optuna
import pytest

from bcsearch.config import Search
from bcsearch.study.samplers import SAMPLERS, build_pruner, build_sampler


def draws(sampler: optuna.samplers.BaseSampler) -> list[float]:
    study = optuna.create_study(sampler=sampler)
    return [study.ask().suggest_float("x", 0, 1) for _ in range(3)]


@pytest.mark.parametrize("kind", SAMPLERS)
def test_draws_depend_on_the_seed_and_on_the_worker_only(kind: str) -> None:
    search = Search.model_validate({"sampler": kind, "seed": 3})
    other = Search.model_validate({"sampler": kind, "seed": 4})
    assert draws(build_sampler(search, "a", 5)) == draws(build_sampler(search, "a", 5))
    seen = [draws(build_sampler(search, *parts)) for parts in [(), ("a", 5), ("b", 5), ("a", 6)]]
    seen.append(draws(build_sampler(other, "a", 5)))
    assert len({tuple(drawn) for drawn in seen}) == len(seen)


def test_tpe_draws_conditional_parameters_together() -> None:
    sampler = build_sampler(Search(startup_trials=7))
    assert isinstance(sampler, optuna.samplers.TPESampler)
    assert (sampler._multivariate, sampler._group, sampler._constant_liar) == (True, True, True)
    assert sampler._n_startup_trials == 7


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("median", optuna.pruners.MedianPruner), ("none", optuna.pruners.NopPruner)],
)
def test_pruner_is_the_one_asked_for(kind: str, expected: type) -> None:
    assert isinstance(build_pruner(Search.model_validate({"pruner": kind})), expected)


def test_median_pruner_takes_its_limits_from_the_search() -> None:
    pruner = build_pruner(Search(pruner_trials=6, pruner_epochs=4))
    assert isinstance(pruner, optuna.pruners.MedianPruner)
    assert (pruner._n_startup_trials, pruner._n_warmup_steps, pruner._n_min_trials) == (6, 4, 3)
