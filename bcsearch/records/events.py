"""What happens during a run, as it is passed to whoever watches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.records.study import TrialState


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetKnown:
    """How far a study is: its budget, how many trials are done, the best score and its trial.

    ``baseline`` is what a classifier scores that costs next to nothing, where that is known.
    """

    trials: int
    filled: int
    best: float | None
    best_number: int | None = None
    score_name: str = "accuracy"
    baseline: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLeft:
    """About how many seconds the study still takes, by its finished trials."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialStarted:
    """A trial begins; ``params`` is its configuration, a ``recipe.Params``."""

    number: int
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochEnded:
    """All folds of a trial finished an epoch.

    ``score`` is their mean, ``best`` the best mean so far.
    """

    number: int
    epoch: int
    score: float
    best: float
    score_name: str = "accuracy"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEnded:
    """A trial completed or was pruned; ``score`` is the best fold mean it reached.

    ``scores`` are the fold means of all scores at that epoch. ``seconds`` is the time of the whole
    trial, with what is computed once and kept; ``train_seconds`` that of the epochs alone.
    """

    number: int
    state: TrialState
    score: float
    epochs: int
    seconds: float
    train_seconds: float | None = None
    score_name: str = "accuracy"
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSeen:
    """A trial as it stands in the database, whoever runs it.

    ``score`` is the best fold mean so far, None before the first epoch; ``scores``, ``epochs`` and
    ``train_seconds`` are known once it has ended, ``seconds`` too. ``is_new`` tells whether it
    ended while this command worked.
    """

    number: int
    state: TrialState
    params: Mapping[str, Any]
    score: float | None
    epochs: int
    seconds: float | None
    train_seconds: float | None = None
    score_name: str = "accuracy"
    scores: Mapping[str, float] = field(default_factory=dict)
    is_new: bool = False


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
    """Another worker ended a trial, since this one sent no heartbeat for too long."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Work besides training goes on: ``done`` of ``total``, which are things like ``unit``."""

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
    | TimeLeft
    | TrialStarted
    | EpochEnded
    | TrialEnded
    | TrialSeen
    | TrialInfeasible
    | TrialReleased
    | TrialLost
    | Progress
    | Notice
)


class Report(Protocol):
    """The seam between training and whoever decides: hears of every epoch of one trial."""

    def __call__(self, epoch: int, score: float) -> bool:
        """Take the fold mean of an epoch, counted from zero, higher is better.

        True means stop training.
        """


class Listener(Protocol):
    """Watches a run. Events come from several threads, one at a time."""

    def __call__(self, event: Event) -> None:
        """Hear of one event; must be quick and must not raise."""


def notices_only(listener: Listener) -> Listener:
    """Return a listener that passes on nothing but notices."""

    def called(event: Event) -> None:
        if isinstance(event, Notice):
            listener(event)

    return called


def together(*listeners: Listener) -> Listener:
    """Return a listener that passes every event on to some, in this order."""

    def called(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return called


def ignore(event: Event) -> None:
    """Watch nothing."""
