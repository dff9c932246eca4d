"""Configurations drawn from a space: they stand for a study that has not run."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.backbones.cuts import cuts_of
from bcsearch.recipe import BY_NAME
from bcsearch.seeds import derive_seed
from bcsearch.training.stages import Stage, canonical, stages_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bcsearch.config import Param, Plan, Space
    from bcsearch.recipe import Params, Value

DRAWS = 400  # configurations in a pool
MOST_POINTS = 20_000  # combinations that are looked at one by one
MOST_VALUES = 64  # of a range of whole numbers
DECIDE = (  # on what a trial reads of the cache
    "backbone", "image_size", "preprocess", "circle_radius", "augment", "augment_strength", "views",
    "unfreeze_fraction", "unfreeze_schedule", "unfreeze_layers", "unfreeze_every",
    "pooling",
)  # fmt: skip


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
        return cuts_of(*self.network, self.params.pooling)[-1].size

    def stage_of_epochs(self, n_epochs: int) -> np.ndarray:
        """Return for each epoch the number of its stage, (n_epochs,)."""
        first_epochs = [stage.first_epoch for stage in self.stages]
        return np.searchsorted(first_epochs, np.arange(n_epochs), side="right") - 1


def draw_pool(plan: Plan) -> list[Candidate]:
    """Return configurations drawn from a plan's space; the same plan gives the same ones.

    Raises:
        ConfigError: there is no such backbone.
    """
    return _drawn(plan, DRAWS)


def all_points(plan: Plan) -> list[Candidate]:
    """Return configurations that together read all that a plan's space can ask for.

    There is one for each combination of the parameters that decide on that, of ``views`` few; where
    there are more than ``MOST_POINTS``, so many are drawn at random, and something may be missed.

    Raises:
        ConfigError: there is no such backbone.
    """
    points = list(islice(_combinations(plan.space), MOST_POINTS + 1))
    if len(points) > MOST_POINTS:
        return _drawn(plan, MOST_POINTS)
    return [_candidate(values, plan) for values in points]


def _drawn(plan: Plan, n_draws: int) -> list[Candidate]:
    random = np.random.default_rng(derive_seed(plan.sweep.search.seed, "pool"))
    drawn = [plan.space.walk(lambda _, param: _draw(param, random)) for _ in range(n_draws)]
    return [_candidate(values, plan) for values in drawn]


def _candidate(values: Mapping[str, Value], plan: Plan) -> Candidate:
    n_epochs = plan.sweep.training.epochs
    params = canonical(values, n_epochs, online=plan.sweep.views.is_online)
    cuts = cuts_of(params.backbone, params.image_size, params.pooling)
    return Candidate(values=values, params=params, stages=stages_of(params, cuts, n_epochs))


def _combinations(space: Space) -> Iterator[dict[str, Value]]:
    """Yield the values of every combination of the parameters that decide on what is read."""
    decide = set(DECIDE)
    for name in reversed(space.varied):
        if name in decide:
            decide.update(space.varied[name].when)
    fractions = _fractions(space)
    chosen: list[int] = []  # which value of each parameter, in the order of asking

    while True:
        counts: list[int] = []

        def pick(name: str, param: Param, counts: list[int] = counts) -> Value:
            values = _values(name, param, fractions)
            place = len(counts)
            counts.append(len(values) if name in decide else 1)
            if place == len(chosen):
                chosen.append(0)
            return values[chosen[place]]

        yield space.walk(pick)
        while chosen and chosen[-1] + 1 == counts[len(chosen) - 1]:
            chosen.pop()
        if not chosen:
            return
        chosen[-1] += 1


def _fractions(space: Space) -> list[float]:
    """Return the shares of all cuts of the space's backbones, rising."""
    size = int(space.choice_of("image_size")[0])
    cuts = {cut for name in space.choice_of("backbone") for cut in cuts_of(str(name), size)}
    return sorted({cut.fraction for cut in cuts})


def _values(name: str, param: Param, fractions: Sequence[float]) -> Sequence[Value]:
    """Return the values of a choice, whole numbers of a range, or the ends and some between.

    Those between are all steps of a parameter that has steps, or the shares of all cuts.
    """
    if param.choice is not None:
        return param.choice
    if param.floats is not None:
        low, high = param.floats
        step = BY_NAME[name].step
        if step is not None:
            return list(np.linspace(low, high, 1 + round((high - low) / step)))
        return [low, *(value for value in fractions if low < value < high), high]
    first, last = param.ints or (0, 0)
    every = range(first, last + 1, param.step or 1)
    most = 5 if name == "views" else MOST_VALUES
    places = np.linspace(0, len(every) - 1, min(most, len(every))).round().astype(int)
    return [every[place] for place in places]


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
