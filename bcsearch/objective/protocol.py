"""What an objective needs of a trainer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.recipe import Params, Value
    from bcsearch.records import TrainResult
    from bcsearch.records.checkpoint import Checkpoints
    from bcsearch.records.events import Report


class Train(Protocol):
    """Trains one configuration on all folds."""

    def canonical(self, values: Mapping[str, Value]) -> Params:
        """Return the configuration of some values; equal for two that train alike."""

    def __call__(
        self,
        params: Params,
        report: Report,
        checkpoints: Checkpoints,
        trial_seconds: float | None = None,
        repeat: int = 0,
    ) -> TrainResult:
        """Train from the last checkpoint on.

        Call ``report(epoch, fold_mean)`` after every epoch, True means stop.

        ``trial_seconds`` are the most that all its epochs may take together; None is any time.
        ``repeat`` counts earlier trainings of the configuration: each has a seed of its own.

        Raises:
            InfeasibleError: the configuration cannot be trained here.
        """


class StopAsked(Protocol):
    """Tells whether the run should end."""

    def __call__(self) -> bool:
        """Return True once the running trial should be released."""
