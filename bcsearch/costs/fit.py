"""Leaves out of a space what cannot fit into a time or a cache, the dearest first. Imports this room."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING

from bcsearch.config.trim import Removal, removals_of, without
from bcsearch.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bcsearch.config import Space
    from bcsearch.costs.forecast import Estimator
    from bcsearch.costs.play import Priced
    from bcsearch.records.forecast import Forecast

COSTLY = ("backbone", "image_size", "unfreeze_fraction", "unfreeze_layers", "unfreeze_schedule", "augment", "views")


LEAST_GAIN = 0.99  # what is left must cost less than this share of what was there: plays differ by chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What a study may cost: seconds, and bytes of cache if every choice is tried; None where there is no limit."""

    seconds: float | None = None
    cache_bytes: int | None = None

    def excess(self, forecast: Forecast) -> float:
        """Return how many times a forecast is above what is allowed; 1 or less means that it fits."""
        parts = [forecast.work.seconds / self.seconds if self.seconds else 0.0]
        if self.cache_bytes is not None:
            parts.append(forecast.all_bytes / self.cache_bytes if self.cache_bytes else inf * forecast.all_bytes)
        return max(parts)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """The space that is left, with its forecast."""

    space: Space
    forecast: Forecast


def fit(estimator: Estimator, n_trials: int, limit: Limit, check: Callable[[], None] = lambda: None) -> Fitted:
    """Leave out values of the space until it fits, then trials.

    Of all values that can be left out the one goes whose absence saves most. ``check`` may raise to end it.

    Raises:
        ConfigError: not even one trial of the cheapest choices fits.
    """
    space, pool, left_out = estimator.plan.space, estimator.pool, []
    forecast = estimator.forecast(pool, n_trials)
    while limit.excess(forecast) > 1:
        check()
        options = [
            (removal, rest, estimator.forecast(rest, n_trials)) for removal, rest in _options(estimator, space, pool)
        ]
        best = min(options, key=lambda option: limit.excess(option[2]), default=None)
        if best is None or limit.excess(best[2]) > LEAST_GAIN * limit.excess(forecast):
            break
        removal, pool, forecast = best
        space = without(space, removal)
        left_out.append(str(removal))
    if limit.excess(forecast) > 1:
        forecast = _fewer_trials(estimator, pool, n_trials, limit)
    lost = len(estimator.plan.sweep.start) - len(replace(estimator.plan, fitted=space).starts)
    if lost:
        left_out.append(f"{lost} of {len(estimator.plan.sweep.start)} start points")
    return Fitted(space=space, forecast=replace(forecast, wanted=n_trials, left_out=tuple(left_out)))


def _options(estimator: Estimator, space: Space, pool: Sequence[Priced]) -> list[tuple[Removal, list[Priced]]]:
    """Return what could be left out, with the part of the pool that would be left."""
    removals = [removal for name in COSTLY for removal in removals_of(space, name, estimator.plan.space)]
    rests = [[each for each in pool if not removal.concerns(each.candidate.values)] for removal in removals]
    return [(removal, rest) for removal, rest in zip(removals, rests, strict=True) if rest]


def _fewer_trials(estimator: Estimator, pool: Sequence[Priced], n_trials: int, limit: Limit) -> Forecast:
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
        came, need = f"--minutes: came {limit.seconds / 60:g}", f"{least.work.seconds / 60:.1f} minutes"
    else:
        came, need = f"--max-cache: came {limit.cache_bytes} bytes", f"{least.all_bytes / 1e6:.0f} MB"
    return f"{came}, but one trial of the cheapest choices needs about {need}; allow more, or make the space smaller"
