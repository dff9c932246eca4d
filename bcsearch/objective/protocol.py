"""What an objective needs of a trainer and of who keeps figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import optuna

    from bcsearch.recipe import Params
    from bcsearch.records import TrainResult
    from bcsearch.records.checkpoint import Checkpoints
    from bcsearch.records.events import Report
    from bcsearch.storage import LedgerEntry


class Train(Protocol):
    """Trains one configuration on all folds."""

    def canonical(self, params: Params) -> Params:
        """Return the configuration in a form that is equal for configurations that train alike."""

    def __call__(
        self,
        params: Params,
        report: Report,
        checkpoints: Checkpoints,
        trial_seconds: float | None = None,
    ) -> TrainResult:
        """Train from the last checkpoint on.

        Call ``report(epoch, fold_mean)`` after every epoch, True means stop.

        ``trial_seconds`` are the most that all its epochs may take together; None is any time.

        Raises:
            InfeasibleError: the configuration cannot be trained here.
        """


class StopAsked(Protocol):
    """Tells whether the run should end."""

    def __call__(self) -> bool:
        """Return True once the running trial should be released."""


class KeepFigure(Protocol):
    """Keeps a figure of a trial that is about to end."""

    def __call__(
        self, trial: optuna.Trial, entry: LedgerEntry, probabilities: np.ndarray | None
    ) -> None:
        """Keep it; ``probabilities`` (n_images, n_classes) are out-of-fold, None where there are none."""


def no_figure(trial: optuna.Trial, entry: LedgerEntry, probabilities: np.ndarray | None) -> None:
    """Keep none."""
