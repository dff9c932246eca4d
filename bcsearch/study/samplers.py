"""The tables of samplers and pruners.

TPE: Bergstra and others (2011), multivariate after Falkner and others (2018). ``group`` splits the
space by its conditions: without it, conditional parameters are drawn independently of the others.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import optuna
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import TrialState

from bcsearch.recipe import BY_NAME, Where
from bcsearch.seeds import derive_seed
from bcsearch.study.balanced import balanced_points

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from bcsearch.config import Plan
    from bcsearch.recipe import Value

LEAST_TRIED = 3  # completed trials that a median needs, of each value of what is judged by it


class BalancedTPESampler(TPESampler):
    """TPE whose first trials behind the start points take balanced points, not random ones.

    A trial takes its point by its number, so all workers together take each point once.
    """

    def __init__(self, points: Mapping[int, Mapping[str, Value]], **settings: Any) -> None:
        """Take the balanced points by the number of their trial."""
        super().__init__(**settings)
        self._points = points

    def sample_relative(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """Draw what belongs together; nothing where the trial has a balanced point."""
        if trial.number in self._points:
            return {}
        return super().sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return the value of the trial's balanced point, or draw one."""
        point = self._points.get(trial.number, {})
        if param_name in point:
            return point[param_name]
        return super().sample_independent(study, trial, param_name, param_distribution)


class FairMedianPruner(MedianPruner):
    """Stops trials below the median, once each of their ``choices`` has completed a few times.

    Most first trials may see lightly changed images, and rise faster than those on strongly changed
    ones, which would be stopped before one of them has shown where it ends.
    """

    def __init__(self, choices: tuple[str, ...], **settings: int) -> None:
        """Take the names of parameters whose values are judged only when they are known."""
        super().__init__(**settings)
        self._choices = choices

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether a trial should stop."""
        if not super().prune(study, trial):
            return False
        completed = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))

        def n_tried(name: str) -> int:
            return sum(other.params.get(name) == trial.params.get(name) for other in completed)

        return all(n_tried(name) >= LEAST_TRIED for name in self._choices)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """One row: ``build`` makes it from the plan and a seed.

    ``learns`` tells whether earlier trials matter to it.
    """

    build: Callable[[Plan, int], BaseSampler]
    learns: bool


def _tpe(plan: Plan, seed: int) -> BaseSampler:
    search = plan.sweep.search
    most_values = max((len(param.choice or ()) for param in plan.space.varied.values()), default=0)
    n_points = max(search.startup_trials, most_values)  # each value of a choice at least once
    points = balanced_points(plan.space, n_points, search.seed)
    with warnings.catch_warnings():
        # group is marked as experimental, and is needed
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return BalancedTPESampler(
            dict(enumerate(points, len(plan.sweep.start))),
            n_startup_trials=search.startup_trials,
            multivariate=True,
            group=True,
            constant_liar=True,
            seed=seed,
        )


def _median(plan: Plan) -> BasePruner:
    search = plan.sweep.search
    choices = [
        name
        for name, param in plan.space.varied.items()
        if BY_NAME[name].where is Where.VIEW and param.choice is not None
    ]
    return FairMedianPruner(
        tuple(choices),
        n_startup_trials=search.pruner_trials,
        n_warmup_steps=search.pruner_epochs,
        n_min_trials=LEAST_TRIED,
    )


SAMPLERS = {
    "tpe": Sampler(build=_tpe, learns=True),
    "random": Sampler(build=lambda plan, seed: RandomSampler(seed=seed), learns=False),
}
PRUNERS: dict[str, Callable[[Plan], BasePruner]] = {
    "median": _median,
    "none": lambda plan: NopPruner(),
}


def build_sampler(plan: Plan, *parts: str | int) -> BaseSampler:
    """Return the sampler of a study.

    ``parts`` (worker, trials so far) make its draws differ from other workers'.
    """
    search = plan.sweep.search
    return SAMPLERS[search.sampler].build(plan, derive_seed(search.seed, "sampler", *parts))


def build_pruner(plan: Plan) -> BasePruner:
    """Return the pruner of a study; its axis is the epoch, its value the best fold mean so far."""
    return PRUNERS[plan.sweep.search.pruner](plan)
