"""The table of samplers, and the pruner.

TPE: Bergstra and others (2011), multivariate after Falkner and others (2018). ``group`` splits the
space by its conditions: without it, conditional parameters are drawn independently of the others.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import optuna
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from bcsearch.seeds import derive_seed

if TYPE_CHECKING:
    from collections.abc import Callable

    from bcsearch.config import Search


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """One row: ``build`` makes it from the settings and a seed.

    ``learns`` tells whether earlier trials matter to it.
    """

    build: Callable[[Search, int], BaseSampler]
    learns: bool


def _tpe(search: Search, seed: int) -> BaseSampler:
    with warnings.catch_warnings():
        # group is marked as experimental, and is needed
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return TPESampler(
            n_startup_trials=search.startup_trials,
            multivariate=True,
            group=True,
            constant_liar=True,
            seed=seed,
        )


SAMPLERS = {
    "tpe": Sampler(build=_tpe, learns=True),
    "random": Sampler(build=lambda search, seed: RandomSampler(seed=seed), learns=False),
}


def build_sampler(search: Search, *parts: str | int) -> BaseSampler:
    """Return the sampler of a study.

    ``parts`` (worker, trials so far) make its draws differ from other workers'.
    """
    return SAMPLERS[search.sampler].build(search, derive_seed(search.seed, "sampler", *parts))


def build_pruner(search: Search) -> optuna.pruners.BasePruner:
    """Return the pruner of a study; its axis is the epoch, its value the best fold mean so far."""
    if not search.prunes:
        return optuna.pruners.NopPruner()
    return optuna.pruners.MedianPruner(
        n_startup_trials=search.pruner_trials,
        n_warmup_steps=search.pruner_epochs,
        n_min_trials=3,  # a median of fewer values is no median
    )
