"""Sampler and pruner from a sweep's settings. Imports optuna and the objective's drawing.

TPE: Bergstra and others (2011), multivariate after Falkner and others (2018). ``group`` splits the space by its
conditions: without it, conditional parameters are drawn independently of the others.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import optuna

from bcsearch.objective.suggest import suggest_params
from bcsearch.seeds import derive_seed

if TYPE_CHECKING:
    from bcsearch.config import Plan, Search, Value

MIN_TRIALS_TO_COMPARE = 3  # a median of fewer values is no median


def build_sampler(search: Search, *words: str | int) -> optuna.samplers.BaseSampler:
    """Return the sampler of a study; ``words`` (worker, trials so far) make its draws differ from other workers'."""
    seed = derive_seed(search.seed, "sampler", *words)
    if search.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", optuna.exceptions.ExperimentalWarning
        )  # group is marked so, and is needed
        return optuna.samplers.TPESampler(
            n_startup_trials=search.startup_trials,
            multivariate=True,
            group=True,
            constant_liar=True,
            seed=seed,
        )


def first_draws(plan: Plan, n_trials: int) -> list[dict[str, Value]]:
    """Return the values of the trials that do not depend on how others did, as one worker will draw them.

    These are the start points and what is drawn at random before the sampler learns.
    """
    search = plan.sweep.search
    study = _unsaid_study(build_sampler(search))
    for start in plan.starts:
        study.enqueue_trial(dict(start))
    known = n_trials if search.sampler == "random" else max(search.startup_trials, len(plan.starts))
    drawn = []
    for _ in range(min(known, n_trials)):
        trial = study.ask()
        suggest_params(trial, plan.searched)
        drawn.append({**plan.searched.settled, **trial.params})
        study.tell(trial, 0.0)
    return drawn


def _unsaid_study(sampler: optuna.samplers.BaseSampler) -> optuna.Study:
    """Return a study in memory, without the line in which Optuna tells of it."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.create_study(direction="maximize", sampler=sampler)
    finally:
        optuna.logging.set_verbosity(verbosity)


def build_pruner(search: Search) -> optuna.pruners.BasePruner:
    """Return the pruner of a study; its axis is the epoch, its value the best fold mean so far."""
    if search.pruner == "none":
        return optuna.pruners.NopPruner()
    return optuna.pruners.MedianPruner(
        n_startup_trials=search.pruner_trials,
        n_warmup_steps=search.pruner_epochs,
        n_min_trials=MIN_TRIALS_TO_COMPARE,
    )
