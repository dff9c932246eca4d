"""What a study will cost, told before it is created, and what it did cost, told beside that. Imports costs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bcsearch.costs.fit import Fitted, Limit, fit
from bcsearch.costs.forecast import measured
from bcsearch.paths import free_bytes
from bcsearch.records.events import Notice
from bcsearch.records.forecast import Work
from bcsearch.report.forecast import comparison, left_out_text, total_text
from bcsearch.storage.forecasts import kept_forecast

if TYPE_CHECKING:
    import optuna

    from bcsearch.config import Plan
    from bcsearch.records.events import Listener
    from bcsearch.records.forecast import Forecast
    from bcsearch.study.desk import Desk
    from bcsearch.study.options import RunOptions
    from bcsearch.training.trainer import Trainer

LONG_SECONDS = 60 * 60.0  # from here on a run is called long


def fit_study(plan: Plan, trainer: Trainer, options: RunOptions) -> Fitted:
    """Measure this machine and forecast a plan's study, with as much of its space as the options have room for.

    Raises:
        ConfigError: not even one trial has room.
    """
    limit = Limit(seconds=None if options.minutes is None else 60 * options.minutes, cache_bytes=options.max_cache)
    return fit(measured(plan, trainer), options.trials or plan.sweep.search.trials, limit)


def fitted_plan(plan: Plan, trainer: Trainer, options: RunOptions, listener: Listener) -> tuple[Plan, Forecast]:
    """Return the plan with what of its space will be searched, and its forecast, which is told."""
    fitted = fit_study(plan, trainer, options)
    _tell(fitted.forecast, trainer, listener)
    return replace(plan, fitted=fitted.space if fitted.forecast.left_out else None), fitted.forecast


def trials_to_run(study: optuna.Study, options: RunOptions) -> int | None:
    """Return the budget that is asked for; None for the study's own, also where fewer trials than asked for fitted."""
    forecast = kept_forecast(study)
    if forecast is None or options.trials not in (None, forecast.wanted):
        return options.trials
    return forecast.trials if forecast.trials < forecast.wanted else options.trials


def tell_costs(desk: Desk, refit_seconds: float, trainer: Trainer, listener: Listener) -> None:
    """Say what a study did cost beside what was forecast, unless its budget has changed since."""
    forecast, record = kept_forecast(desk.study), desk.record()
    if forecast is None or forecast.trials != record.trials_wanted:
        return
    spent = sum(trial.seconds or 0.0 for trial in record.trials if trial.is_finished)
    store = trainer.features.store
    real = Work(seconds=spent + refit_seconds, cache_bytes=store.written_bytes, passes=trainer.features.passes)
    listener(Notice(text=comparison(forecast.work, real)))


def _tell(forecast: Forecast, trainer: Trainer, listener: Listener) -> None:
    """Say what the study will cost, what was left out, and what may go wrong."""
    for line in (f"plan: {total_text(forecast)}", *left_out_text(forecast), *_warnings(forecast, trainer)):
        listener(Notice(text=line))


def _warnings(forecast: Forecast, trainer: Trainer) -> list[str]:
    needed, free = forecast.work.cache_bytes, free_bytes(trainer.features.store.root)
    lines = []
    if needed > free:
        room = f"warning: about {needed / 1e9:.2f} GB of cache are needed, {free / 1e9:.2f} GB are free"
        lines.append(f"{room}; leave out what has no room with --max-cache, or name another disk with --cache-dir")
    if forecast.work.seconds > LONG_SECONDS:
        lines.append(
            "warning: that is long; --minutes 60 leaves out what is dear, and 'bcsearch plan' shows what that is"
        )
    return lines
