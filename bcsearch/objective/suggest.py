"""Params from a trial: asks Optuna for what varies, fills in what is fixed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.recipe import BY_NAME

if TYPE_CHECKING:
    import optuna

    from bcsearch.config import Param, Space
    from bcsearch.recipe import Value


def suggest_values(trial: optuna.Trial, space: Space) -> dict[str, Value]:
    """Draw a value of each parameter of ``space`` whose conditions hold; fixed ones are added."""
    return space.walk(lambda name, param: _draw(trial, name, param))


def _draw(trial: optuna.Trial, name: str, param: Param) -> Value:
    if param.floats is not None:
        return trial.suggest_float(name, *param.floats, log=param.log, step=BY_NAME[name].step)
    if param.ints is not None:
        return trial.suggest_int(name, *param.ints, log=param.log, step=param.step or 1)
    choices = param.choice or ()
    return trial.suggest_categorical(name, choices)  # type: ignore[return-value]  # none is None
