"""The forecast of a study, kept with it. Imports optuna for types only."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from bcsearch.records.forecast import Forecast, Work
from bcsearch.storage.attrs import FORECAST

if TYPE_CHECKING:
    from collections.abc import Mapping

    import optuna


def keep_forecast(study: optuna.Study, forecast: Forecast) -> None:
    """Store a forecast with its study, without its tables."""
    study.set_user_attr(FORECAST, asdict(replace(forecast, rows=(), epochs=())))


def kept_forecast(study: optuna.Study) -> Forecast | None:
    """Return the forecast that a study was created with; None where it was created without."""
    kept: Mapping[str, Any] | None = study.user_attrs.get(FORECAST)
    if kept is None:
        return None
    between = kept["work"].get("between")
    work = Work(**{**kept["work"], "between": between and tuple(between)})
    return Forecast(
        **{**kept, "rows": (), "epochs": (), "left_out": tuple(kept["left_out"]), "work": work}
    )
