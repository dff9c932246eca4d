"""Configurations drawn from a space: they stand for a study that has not run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.backbones.cuts import cuts_of
from bcsearch.backbones.table import get_backbone
from bcsearch.recipe import Params
from bcsearch.seeds import derive_seed
from bcsearch.training.stages import Stage, at_cuts, stages_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.config import Param, Plan
    from bcsearch.recipe import Value

DRAWS = 400  # configurations in a pool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidate:
    """One configuration: its values as drawn, its canonical form, its stages of training."""

    values: Mapping[str, Value]
    params: Params
    stages: tuple[Stage, ...]

    @property
    def network(self) -> tuple[str, int]:
        """The backbone's name and the image size."""
        return self.params.backbone, self.params.image_size

    @property
    def n_features(self) -> int:
        """Features of an image that the head takes."""
        return cuts_of(*self.network)[-1].size


def draw_pool(plan: Plan) -> list[Candidate]:
    """Return configurations drawn from a plan's space; the same plan gives the same ones.

    Raises:
        ConfigError: there is no such backbone.
    """
    random = np.random.default_rng(derive_seed(plan.sweep.search.seed, "pool"))
    drawn = [plan.space.walk(lambda _, param: _draw(param, random)) for _ in range(DRAWS)]
    return [candidate_of(values, plan.sweep.training.epochs) for values in drawn]


def candidate_of(values: Mapping[str, Value], n_epochs: int) -> Candidate:
    """Return one configuration with its stages."""
    drawn = Params(**values)
    cuts = cuts_of(drawn.backbone, drawn.image_size)
    whole = get_backbone(drawn.backbone).trained_whole
    params = at_cuts(drawn, cuts, n_epochs, trained_whole=whole)
    return Candidate(values=values, params=params, stages=stages_of(params, cuts, n_epochs))


def _draw(param: Param, random: np.random.Generator) -> Value:
    if param.choice is not None:
        return param.choice[int(random.integers(len(param.choice)))]
    low, high = param.floats or param.ints or (0, 0)
    if param.ints is not None and not param.log:
        step = param.step or 1
        return int(low) + step * int(random.integers((int(high) - int(low)) // step + 1))
    share = float(random.uniform())
    drawn = low + (high - low) * share
    if param.log:
        drawn = low * (high / low) ** share
    if param.ints is not None:
        return round(drawn)
    return drawn
