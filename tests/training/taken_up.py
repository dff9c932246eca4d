"""Trains a trial up to an epoch, from a checkpoint where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bcsearch.artifacts.checkpoints import TrialCheckpoints
from bcsearch.records.events import ignore

if TYPE_CHECKING:
    from pathlib import Path

    from bcsearch.recipe import Params
    from bcsearch.records import TrainResult
    from bcsearch.training.trainer import Trainer


class Stretch(NamedTuple):
    """What came of it, and the epochs that were trained now."""

    result: TrainResult
    epochs: list[int]


def train_stretch(trainer: Trainer, params: Params, path: Path, stop_after: int) -> Stretch:
    """Go on with the trial kept at ``path`` for so many epochs, and keep each of them."""
    told: list[int] = []

    def report(epoch: int, score: float) -> bool:
        told.append(epoch)
        return len(told) == stop_after

    checkpoints = TrialCheckpoints(
        path=path,
        digest=params.digest(),
        every_seconds=0.0,
        stop_asked=lambda: False,
        pruned=lambda: False,
        catch_up=lambda epochs: None,
        listener=ignore,
    )
    return Stretch(trainer(params, report, checkpoints), told)
