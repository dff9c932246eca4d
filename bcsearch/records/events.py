"""What happens during a run, as it is told to whoever watches. Imports the records floor only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bcsearch.records.params import Params
    from bcsearch.records.study import TrialState


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetKnown:
    """How far a study has come: its budget in trials, how many are filled, the best score so far and its trial."""

    trials: int
    filled: int
    best: float | None
    best_number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialStarted:
    """A trial begins."""

    number: int
    params: Params


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochEnded:
    """All folds of a trial finished an epoch; ``score`` is their mean, ``best`` the best mean so far."""

    number: int
    epoch: int
    score: float
    best: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEnded:
    """A trial completed or was pruned; ``score`` is the best fold mean it reached.

    ``seconds`` hold all of it, the making of what is computed once and kept too; ``train_seconds`` the epochs alone.
    """

    number: int
    state: TrialState
    score: float
    epochs: int
    seconds: float
    train_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialInfeasible:
    """A trial ended without a score, as its configuration cannot be trained."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialReleased:
    """A trial went back to waiting; whoever takes it goes on from its last checkpoint."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialLost:
    """Another worker ended a trial, since this one was silent for too long."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Work besides training goes on; ``done`` of ``total`` images, or of what ``unit`` says."""

    what: str
    done: int
    total: int
    unit: str = "images"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One line that the user should read."""

    text: str


Event = (
    BudgetKnown
    | TrialStarted
    | EpochEnded
    | TrialEnded
    | TrialInfeasible
    | TrialReleased
    | TrialLost
    | Progress
    | Notice
)


class Report(Protocol):
    """The seam between training and whoever decides: hears of every epoch of one trial."""

    def __call__(self, epoch: int, score: float) -> bool:
        """Take the fold mean of an epoch, counted from zero, higher is better; True means stop training."""


class Listener(Protocol):
    """Watches a run."""

    def __call__(self, event: Event) -> None:
        """Hear of one event; must be quick and must not raise."""


def ignore(event: Event) -> None:
    """Watch nothing."""
