"""The seam to training: what an objective needs of a trainer. Imports the records floor only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bcsearch.records import Params, TrainResult
    from bcsearch.records.checkpoint import Checkpoints
    from bcsearch.records.events import Report


class Train(Protocol):
    """Trains one configuration on all folds."""

    def settle(self, params: Params) -> Params:
        """Return the canonical form: configurations that train alike become equal."""

    def __call__(self, params: Params, report: Report, checkpoints: Checkpoints) -> TrainResult:
        """Train from the last checkpoint on; call ``report(epoch, fold_mean)`` after every epoch, True means stop.

        Raises:
            InfeasibleError: the configuration cannot be trained here.
        """


class StopAsked(Protocol):
    """Tells whether the user wants the run to end."""

    def __call__(self) -> bool:
        """Return True once the running trial should be released."""
