"""What one trial costs by measured speeds: each of its epochs, the graphs that it needs. Imports training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bcsearch.backbones.cuts import POOLED
from bcsearch.backbones.table import count_parameters
from bcsearch.costs.probe_training import n_weights
from bcsearch.training.batches import Batches
from bcsearch.training.head_graph import kind_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from bcsearch.costs.pool import Candidate
    from bcsearch.costs.speeds import Speeds
    from bcsearch.training.loop import Task
    from bcsearch.training.stages import Stage

EPOCH_SECONDS = 0.005  # besides training: reporting to the storage, asking the pruner
STATE = 16  # bytes of a trained weight with its first value and two moments


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A graph that is made once and kept while there is room: what tells it from others, its seconds, its bytes."""

    key: Hashable
    seconds: float
    n_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bill:
    """Prices of one dataset's trials."""

    speeds: Speeds
    task: Task

    def epochs(self, candidate: Candidate, n_epochs: int) -> list[float]:
        """Return the seconds of each epoch of a trial."""
        prices = self.prices(candidate)
        return [prices[stage_at(candidate.stages, epoch)] for epoch in range(n_epochs)]

    def prices(self, candidate: Candidate) -> list[float]:
        """Return the seconds of an epoch of all folds in each stage of a trial."""
        return [self._epoch(candidate, stage) for stage in candidate.stages]

    def share_of_refit(self, candidate: Candidate) -> float:
        """Return what an epoch on all images costs, as a share of an epoch of all folds."""
        return len(self.task.labels) / self._n_shown(candidate)

    def traces(self, candidate: Candidate) -> list[Trace]:
        """Return the graph of each stage."""
        return [self._trace(candidate, stage) for stage in candidate.stages]

    def _trace(self, candidate: Candidate, stage: Stage) -> Trace:
        kind = kind_of(candidate.params)
        if stage.cut.name == POOLED:
            return Trace(
                key=kind,
                seconds=max(each.build for each in self.speeds.heads[candidate.n_features]),
            )
        return Trace(
            key=(candidate.network, stage.cut.name, candidate.params.batch_norm, kind),
            seconds=self.speeds.suffix(candidate.network, stage.cut.fraction).build,
            n_bytes=int(STATE * stage.cut.fraction * count_parameters(candidate.params.backbone)),
        )

    def _epoch(self, candidate: Candidate, stage: Stage) -> float:
        valid = [len(rows) for rows in self.task.valid_rows]
        if stage.cut.name == POOLED:
            batches = self._batches(candidate)
            weights = n_weights(candidate.params, candidate.n_features, self.task.n_classes)
            head = self.speeds.head(candidate.n_features, weights, batches.size)
            return batches.n_steps * head.step + max(valid) * head.predict + EPOCH_SECONDS
        suffix = self.speeds.suffix(candidate.network, stage.cut.fraction)
        turns = len(valid) * suffix.turn
        return (
            self._n_shown(candidate) * suffix.train
            + turns
            + sum(valid) * suffix.predict
            + EPOCH_SECONDS
        )

    def _n_shown(self, candidate: Candidate) -> int:
        """Return the rows that all folds together are shown in an epoch."""
        batches = self._batches(candidate)
        return batches.n_steps * batches.size * len(self.task.train_rows)

    def _batches(self, candidate: Candidate) -> Batches:
        return Batches(
            train_rows=self.task.train_rows, batch_size=candidate.params.batch_size, seed=0
        )


def stage_at(stages: Sequence[Stage], epoch: int) -> int:
    """Return the number of the stage that trains in an epoch."""
    return sum(stage.first_epoch <= epoch for stage in stages) - 1
