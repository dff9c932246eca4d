"""What a study will cost, told before it is created, and what it did cost, told beside that. Imports costs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from bcsearch.costs.fit import Fitted, Limit, fit
from bcsearch.costs.forecast import measured
from bcsearch.errors import DiskError
from bcsearch.paths import free_bytes
from bcsearch.records.events import Notice
from bcsearch.records.forecast import Work
from bcsearch.records.words import in_words
from bcsearch.report.forecast import comparison, left_out_text, total_text
from bcsearch.storage.forecasts import kept_forecast
from bcsearch.study.samplers import first_draws

if TYPE_CHECKING:
    from collections.abc import Callable

    import optuna

    from bcsearch.config import Plan
    from bcsearch.features.store import Store
    from bcsearch.records.events import Listener
    from bcsearch.records.forecast import Forecast
    from bcsearch.study.desk import Desk
    from bcsearch.study.options import RunOptions
    from bcsearch.training.trainer import Trainer

NO_ROOM = "leave out what has no room with --max-cache, or name another disk with --cache-dir"
LONG_SECONDS = 60 * 60.0  # from here on a run is called long


def fit_study(
    plan: Plan, trainer: Trainer, options: RunOptions, check: Callable[[], None]
) -> Fitted:
    """Measure this machine and forecast a plan's study, with as much of its space as the options have room for.

    ``check`` is called in between, and may raise to end it.

    Raises:
        ConfigError: not even one trial has room.
    """
    limit = Limit(
        seconds=None if options.minutes is None else 60 * options.minutes,
        cache_bytes=options.max_cache,
    )
    n_trials = options.trials or plan.sweep.search.trials
    return fit(measured(plan, trainer, first_draws(plan, n_trials)), n_trials, limit, check)


def fitted_plan(
    plan: Plan, trainer: Trainer, options: RunOptions, listener: Listener, check: Callable[[], None]
) -> tuple[Plan, Forecast]:
    """Return the plan with what of its space will be searched, and its forecast, which is told."""
    fitted = fit_study(plan, trainer, options, check)
    warnings = _warnings(fitted.forecast, trainer.features.store, options)
    for line in (
        f"plan: {total_text(fitted.forecast)}",
        *left_out_text(fitted.forecast),
        *warnings,
    ):
        listener(Notice(text=line))
    return replace(plan, fitted=fitted.space if fitted.forecast.left_out else None), fitted.forecast


def trials_to_run(study: optuna.Study, options: RunOptions) -> int | None:
    """Return the budget that is asked for; None for the study's own, also where the same is asked that did not fit."""
    forecast = kept_forecast(study)
    limited = options.minutes is not None or options.max_cache is not None
    return None if forecast and limited and options.trials == forecast.wanted else options.trials


def default_trials(study: optuna.Study, plan: Plan) -> int:
    """Return the budget of a study that has none yet: what fitted, else what its sweep says."""
    forecast = kept_forecast(study)
    return plan.sweep.search.trials if forecast is None else forecast.trials


def tell_costs(
    desk: Desk,
    refit_seconds: float,
    trainer: Trainer,
    listener: Listener,
    *,
    supervised: bool = False,
) -> None:
    """Say what a study did cost beside what was forecast, unless its budget has changed since."""
    forecast, record = kept_forecast(desk.study), desk.record()
    if forecast is None or forecast.trials != record.trials_wanted:
        return
    spent = sum(trial.seconds or 0.0 for trial in record.trials if trial.is_finished)
    store = trainer.features.store
    real = Work(
        seconds=spent + refit_seconds,
        cache_bytes=store.written_bytes,
        passes=trainer.features.passes,
    )
    listener(Notice(text=comparison(forecast.work, real, supervised=supervised)))


def _warnings(forecast: Forecast, store: Store, options: RunOptions) -> list[str]:
    """Say what may go wrong with the cache or with the user's patience."""
    needed, lines = forecast.work.cache_bytes, []
    with suppress(
        DiskError
    ):  # the store itself says what is wrong with its folder, and goes on without
        free = free_bytes(store.root)
        if needed > free:
            lines.append(
                f"warning: about {in_words(needed)} of cache are needed, {in_words(free)} are free; {NO_ROOM}"
            )
    if store.limit_bytes is not None and needed > store.limit_bytes:
        limit = f"--cache-limit allows {in_words(store.limit_bytes)}"
        lines.append(
            f"warning: about {in_words(needed)} of cache are needed, {limit}: the rest is computed again and again"
        )
    if options.minutes is None and forecast.work.seconds > LONG_SECONDS:
        lines.append(
            "warning: that is long; 'bcsearch plan' shows what is dear, --minutes 60 leaves it out"
        )
    return lines
