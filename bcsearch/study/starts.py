"""The configurations that a study tries first, the cheapest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.backbones.table import count_parameters
from bcsearch.recipe import BY_NAME, Params

if TYPE_CHECKING:
    from bcsearch.config import Param, Plan
    from bcsearch.recipe import Value


def first_points(plan: Plan) -> list[dict[str, Value]]:
    """Return the configurations to try first: the sweep's, or the cheapest of the space."""
    given = [dict(start) for start in plan.sweep.start] or [cheapest_point(plan)]
    return sorted(given, key=lambda start: _cost(Params(**{**plan.space.fixed, **start})))


def cheapest_point(plan: Plan) -> dict[str, Value]:
    """Return a point that costs little: a linear head, few small images, nothing unfrozen."""
    values = plan.space.walk(_cheap_value)
    return {name: values[name] for name in plan.space.varied if name in values}


def _cheap_value(name: str, param: Param) -> Value:
    """Return the cheapest value of a parameter, or one in the middle of a range."""
    if name == "backbone":
        return min(param.choice or (), key=lambda backbone: count_parameters(str(backbone)))
    if param.choice is None:
        low, high = param.floats or param.ints or (0, 0)
        if name == "batch_size":
            return high
        if param.ints is not None or name == "unfreeze_fraction" or BY_NAME[name].step:
            return low
        if param.log:
            return float((low * high) ** 0.5)
        return (low + high) / 2
    numbers = [value for value in param.choice if isinstance(value, int | float)]
    if numbers:
        return max(numbers) if name == "batch_size" else min(numbers)
    return next((value for value in param.choice if value == "none"), param.choice[0])


def _cost(params: Params) -> float:
    """Return a number that is higher where a configuration takes longer."""
    work = params.n_views * params.image_size**2 * count_parameters(params.backbone)
    return float(work * (1 + 100 * params.unfreezes) * (1 + params.head_layers))
