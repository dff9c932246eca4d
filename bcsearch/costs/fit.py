"""Leaves out of a space what cannot fit into a time or a cache, the dearest first. Imports this room."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING

from bcsearch.config.trim import Removal, removals_of, without
from bcsearch.errors import ConfigError
from bcsearch.records.words import in_words, time_in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bcsearch.config import Space
    from bcsearch.costs.forecast import Estimator
    from bcsearch.costs.play import Priced
    from bcsearch.records.forecast import Forecast

COSTLY = (
    "backbone",
    "image_size",
    "unfreeze_fraction",
    "unfreeze_layers",
    "unfreeze_schedule",
    "augment",
    "views",
)


LEAST_GAIN = (
    0.99  # what is left must cost less than this share of what was there: plays differ by chance
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What a study may cost: seconds, and bytes of cache if every choice is tried; None where there is no limit."""

    seconds: float | None = None
    cache_bytes: int | None = None

    def excess(self, forecast: Forecast) -> float:
        """Return how many times a forecast is above what is allowed; 1 or less means that it fits."""
        parts = [forecast.work.seconds / self.seconds if self.seconds else 0.0]
        if self.cache_bytes is not None:
            parts.append(
                forecast.all_bytes / self.cache_bytes
                if self.cache_bytes
                else inf * forecast.all_bytes
            )
        return max(parts)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """The space that is left, with its forecast."""

    space: Space
    forecast: Forecast


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Option:
    """A part of the space that can be left out, with what is left: configurations of the pool, and their forecast."""

    removal: Removal
    pool: Sequence[Priced]
    forecast: Forecast


def fit(
    estimator: Estimator, n_trials: int, limit: Limit, check: Callable[[], None] = lambda: None
) -> Fitted:
    """Leave out values of the space until it fits, then trials.

    Of all values that can be left out the dearest goes first; where one is enough, the cheapest that is enough.
    ``check`` may raise to end it.

    Raises:
        ConfigError: not even one trial of the cheapest choices fits.
    """
    space, pool, left_out = estimator.plan.space, estimator.pool, []
    forecast = estimator.forecast(pool, n_trials)
    while limit.excess(forecast) > 1:
        check()
        best = _next_to_go(_options(estimator, space, pool, n_trials), limit)
        if best is None or limit.excess(best.forecast) > LEAST_GAIN * limit.excess(forecast):
            break
        pool, forecast = best.pool, best.forecast
        space = without(space, best.removal)
        left_out.append(str(best.removal))
    if limit.excess(forecast) > 1:
        forecast = _fewer_trials(estimator, pool, n_trials, limit)
    lost = len(estimator.plan.sweep.start) - len(replace(estimator.plan, fitted=space).starts)
    if lost:
        left_out.append(f"{lost} of {len(estimator.plan.sweep.start)} start points")
    return Fitted(
        space=space, forecast=replace(forecast, wanted=n_trials, left_out=tuple(left_out))
    )


def _next_to_go(options: Sequence[_Option], limit: Limit) -> _Option | None:
    enough = [option for option in options if limit.excess(option.forecast) <= 1]
    if enough:
        return max(enough, key=lambda option: limit.excess(option.forecast))
    return min(options, key=lambda option: limit.excess(option.forecast), default=None)


def _options(
    estimator: Estimator, space: Space, pool: Sequence[Priced], n_trials: int
) -> list[_Option]:
    """Return what can be left out of the space without leaving nothing."""
    found = []
    for removal in (
        removal for name in COSTLY for removal in removals_of(space, name, estimator.plan.space)
    ):
        rest = [each for each in pool if not removal.concerns(each.candidate.values)]
        if rest:
            found.append(
                _Option(removal=removal, pool=rest, forecast=estimator.forecast(rest, n_trials))
            )
    return found


def _fewer_trials(
    estimator: Estimator, pool: Sequence[Priced], n_trials: int, limit: Limit
) -> Forecast:
    """Return the forecast of the most trials that fit."""
    least = estimator.forecast(pool, 1)
    if limit.excess(least) > 1:
        raise ConfigError(_too_small(limit, least))
    fits, too_many = 1, n_trials
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if limit.excess(estimator.forecast(pool, middle)) > 1:
            too_many = middle
        else:
            fits = middle
    return estimator.forecast(pool, fits)


def _too_small(limit: Limit, least: Forecast) -> str:
    if limit.seconds is not None and least.work.seconds > limit.seconds:
        came, need = f"--minutes: came {limit.seconds / 60:g}", time_in_words(least.work.seconds)
    else:
        came, need = (
            f"--max-cache: came {in_words(limit.cache_bytes or 0)}",
            in_words(least.all_bytes),
        )
    return f"{came}, but one trial of the cheapest choices needs about {need}; allow more, or make the space smaller"
