"""Counts what is computed anew in every epoch of a trial, where each has a view of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bcsearch.backbones.cuts import INPUT, POOLED_BY

if TYPE_CHECKING:
    from bcsearch.costs.pool import Candidate
    from bcsearch.costs.speeds import Speeds
    from bcsearch.training.stages import Stage
    from bcsearch.training.trainer import Trainer


def fresh_passes(candidate: Candidate, trainer: Trainer) -> int:
    """Return the images that a trial puts through the frozen part if it trains to the end."""
    if not trainer.views.is_fresh(candidate.params):
        return 0
    passes = np.array([stage.cut.name != INPUT for stage in candidate.stages])
    n_epochs = int(passes[candidate.stage_of_epochs(trainer.n_epochs)].sum())
    return n_epochs * _n_trained(trainer)


def fresh_seconds(candidate: Candidate, stage: Stage, speeds: Speeds, trainer: Trainer) -> float:
    """Return what an epoch in a stage takes to make its view and put it through."""
    if not trainer.views.is_fresh(candidate.params):
        return 0.0
    view = trainer.views.fresh(candidate.params, 0)
    seconds = len(trainer.features.images) * speeds.fresh[view.names]
    return seconds + _n_trained(trainer) * _pass_seconds(candidate, stage, speeds)


def _n_trained(trainer: Trainer) -> int:
    """Return how many images any fold trains on."""
    return len(np.unique(np.concatenate(trainer.folds.train_rows)))


def _pass_seconds(candidate: Candidate, stage: Stage, speeds: Speeds) -> float:
    """Return the seconds of an image from the input up to the cut of a stage."""
    if stage.cut.name == INPUT:
        return 0.0
    seconds = 0.0
    for segment in speeds.segments[candidate.network]:
        if segment.cut == stage.cut.name:
            return seconds + segment.per_image
        if segment.cut not in POOLED_BY.values():
            seconds += segment.per_image
    return seconds
