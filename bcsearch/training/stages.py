"""Which part of a backbone is trained from which epoch on.

A staged schedule begins with the head alone, so that weak trials are pruned before the expensive
part. Gradual unfreezing follows Howard and Ruder, "Universal Language Model Fine-tuning for Text
Classification" (2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bcsearch.backbones.cuts import cuts_of
from bcsearch.backbones.pooling import may_pool
from bcsearch.backbones.table import get_backbone
from bcsearch.recipe import Params
from bcsearch.training.class_weights import FROM_ERRORS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bcsearch.backbones.cuts import Cut
    from bcsearch.recipe import Value

TRAINED_WHOLE: dict[str, Value] = {
    "unfreeze_fraction": 1.0,
    "unfreeze_schedule": "none",
    "backbone_rate": 1.0,
    "layer_decay": 1.0,
}
GRADUAL_STEPS = 4  # at most: each step keeps activations at a cut of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """From ``first_epoch``, counted from zero, everything above ``cut`` is trained."""

    first_epoch: int
    cut: Cut


def stages_of(params: Params, cuts: Sequence[Cut], n_epochs: int) -> tuple[Stage, ...]:
    """Return the stages of a configuration in their order.

    Each has a shallower cut than the one before.

    ``cuts`` are those of its backbone, from the input to the pooled end. The last stage begins
    within ``n_epochs``: there are fewer steps of unfreezing where they are few, and none where not
    even one has its epoch.
    """
    target = _target(params, cuts)
    if params.unfreeze_schedule == "none" or target.is_pooled:
        return (Stage(first_epoch=0, cut=target),)
    n_steps = (n_epochs - 1) // params.unfreeze_every
    steps = STEPS[params.unfreeze_schedule](target, cuts, n_steps) if n_steps else ()
    epochs = (number * params.unfreeze_every for number in range(len(steps) + 1))
    return tuple(
        Stage(first_epoch=epoch, cut=cut)
        for epoch, cut in zip(epochs, (cuts[-1], *steps), strict=True)
    )


def canonical(values: Mapping[str, Value], n_epochs: int, *, online: bool = False) -> Params:
    """Return the configuration of some values; equal for configurations that train alike.

    A backbone that is always trained whole has one learning rate, and nothing of how it is unfrozen
    acts; there are no features to ask a linear head of for class weights. One that does not end
    with an average over places has its own features. Where every epoch has a fresh view
    (``online``), their number does not act.
    """
    if online:
        values = {name: value for name, value in values.items() if name != "views"}
    params = Params(**values)
    if not may_pool(params.backbone):
        values = {**values, "pooling": "average"}
        params = Params(**values)
    if get_backbone(params.backbone).trained_whole:
        values = {**values, **TRAINED_WHOLE}
        if params.class_weights in FROM_ERRORS:
            values["class_weights"] = "none"
        return Params(**values)
    return at_cuts(params, cuts_of(params.backbone, params.image_size), n_epochs)


def at_cuts(params: Params, cuts: Sequence[Cut], n_epochs: int) -> Params:
    """Return the configuration with what is unfrozen moved to its cut.

    Schedules with the same stages become the first of them.
    """
    stages = stages_of(params, cuts, n_epochs)
    target = stages[-1].cut
    if target.is_pooled:
        return params.but(unfreeze_fraction=0.0, unfreeze_schedule="none")
    fraction = round(target.fraction, 4)
    moved = params.but(unfreeze_fraction=fraction, unfreeze_layers=target.n_layers)
    if params.unfreeze_schedule == "none":
        return moved
    alike = (
        moved.but(
            unfreeze_schedule=name, unfreeze_fraction=fraction, unfreeze_layers=target.n_layers
        )
        for name in STEPS
    )
    return next(each for each in alike if stages_of(each, cuts, n_epochs) == stages)


def _target(params: Params, cuts: Sequence[Cut]) -> Cut:
    """Return the shallowest cut that the configuration reaches."""
    if params.unfreeze_schedule == "last_layers":
        return min(cuts[:-1], key=lambda cut: abs(cut.n_layers - params.unfreeze_layers))
    return min(cuts, key=lambda cut: abs(cut.fraction - params.unfreeze_fraction))


def _above(target: Cut, cuts: Sequence[Cut]) -> list[Cut]:
    """Return the cuts from behind the pooled end down to ``target``."""
    return [*(cut for cut in reversed(cuts) if 0.0 < cut.fraction < target.fraction), target]


def _half_then_all(target: Cut, cuts: Sequence[Cut], n_steps: int) -> tuple[Cut, ...]:
    *between, last = _above(target, cuts)
    halves = sorted(between, key=lambda cut: abs(cut.fraction - target.fraction / 2))[:1]
    return (*halves, last)[-n_steps:]


def _gradual(target: Cut, cuts: Sequence[Cut], n_steps: int) -> tuple[Cut, ...]:
    blocks = _above(target, cuts)
    n_steps = min(GRADUAL_STEPS, len(blocks), n_steps)
    return tuple(blocks[(step * len(blocks)) // n_steps - 1] for step in range(1, n_steps + 1))


STEPS: dict[str, Callable[[Cut, Sequence[Cut], int], tuple[Cut, ...]]] = {
    "half_then_all": _half_then_all,
    "gradual": _gradual,
    "last_layers": lambda target, *_: (target,),
}
