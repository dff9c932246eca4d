"""A pool of configurations drawn from a space: stands for a study that has not run. Imports config and training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.backbones.cuts import INPUT, POOLED, Cut, cuts_of
from bcsearch.backbones.table import get_backbone
from bcsearch.records import Params
from bcsearch.seeds import derive_seed
from bcsearch.training.stages import Stage, settled, stages_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bcsearch.config import Param, Plan, Value

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

    @property
    def needs(self) -> tuple[tuple[Cut, int], ...]:
        """The cuts, and the number of views at each, in the order in which a trial asks for them."""
        suffixes = [stage.cut for stage in reversed(self.stages) if stage.cut.name != POOLED]
        needs = [(cut, self.params.views) for cut in suffixes]
        pooled = cuts_of(*self.network)[-1]
        if self.stages[0].cut.name == POOLED:
            return (*needs, (pooled, self.params.views))
        whole = get_backbone(self.params.backbone).trained_whole
        return (
            tuple(needs) if whole else (*needs, (pooled, 1))
        )  # the clean features scale what the head takes

    @property
    def cuts_read(self) -> tuple[Cut, ...]:
        """The cuts at which activations are kept for it."""
        return tuple(cut for cut, _ in self.needs if cut.name != INPUT)


def draw_pool(plan: Plan, firsts: Sequence[Mapping[str, Value]] = ()) -> list[Candidate]:
    """Return ``firsts``, the values of trials that are known beforehand, then configurations drawn from the space.

    The same plan gives the same pool.

    Raises:
        ConfigError: there is no such backbone.
    """
    random = np.random.default_rng(derive_seed(plan.sweep.search.seed, "pool"))
    drawn = [plan.space.walk(lambda _, param: _drawn(param, random)) for _ in range(DRAWS)]
    return [_candidate(values, plan.sweep.training.epochs) for values in [*firsts, *drawn]]


def _candidate(values: Mapping[str, Value], n_epochs: int) -> Candidate:
    params = Params(**values).canonical()  # type: ignore[arg-type] # names and types were checked by the space
    cuts = cuts_of(params.backbone, params.image_size)
    params = settled(
        params, cuts, n_epochs, trained_whole=get_backbone(params.backbone).trained_whole
    )
    return Candidate(values=values, params=params, stages=stages_of(params, cuts, n_epochs))


def _drawn(param: Param, random: np.random.Generator) -> Value:
    if param.choice is not None:
        return param.choice[int(random.integers(len(param.choice)))]
    low, high = param.floats or param.ints or (0, 0)
    if param.ints is not None and not param.log:
        step = param.step or 1
        return int(low) + step * int(random.integers((int(high) - int(low)) // step + 1))
    share = float(random.uniform())
    drawn = low * (high / low) ** share if param.log else low + (high - low) * share
    return drawn if param.floats is not None else round(drawn)
