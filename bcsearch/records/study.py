"""Studies and trials as frozen records, read back from a storage."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from math import isclose
from typing import TYPE_CHECKING, Any

from bcsearch.records.choice import LINEAR_HEAD, ships_in
from bcsearch.records.scores import EpochScores, best_epoch
from bcsearch.records.texts import study_option

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bcsearch.records.checked import Certificate
    from bcsearch.records.choice import Choice


class TrialState(StrEnum):
    """States of a trial; appended to, never renumbered."""

    RUNNING = "running"
    WAITING = "waiting"
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAIL = "fail"
    INFEASIBLE = "infeasible"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord:
    """One trial of a study.

    ``score`` is the best fold mean it reached, higher is better; ``params`` is what was drawn,
    ``acting`` the parameters that acted in training, drawn or fixed, where its epochs were read.
    ``superseded`` tells that a later trial of the same configuration has the mean of both.
    """

    number: int
    state: TrialState
    score: float | None = None
    params: dict[str, str | int | float | bool] = field(default_factory=dict)
    acting: dict[str, str | int | float | bool] = field(default_factory=dict)
    epochs: tuple[EpochScores, ...] = ()
    started: datetime | None = None
    finished: datetime | None = None
    train_seconds: float | None = None
    note: str = ""
    superseded: bool = False
    retry_of: int | None = None  # the trial of a lost worker, whose params this one has again

    @property
    def seconds(self) -> float | None:
        """Wall-clock seconds from start to end; None while it is not finished."""
        if self.started is None or self.finished is None:
            return None
        return (self.finished - self.started).total_seconds()

    @property
    def best(self) -> EpochScores | None:
        """The epoch with the highest fold mean; None where epochs were not read or none ended."""
        return best_epoch(self.epochs) if self.epochs else None

    @property
    def is_finished(self) -> bool:
        """Whether the trial fills a slot of the budget: complete, pruned or infeasible."""
        return self.state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.INFEASIBLE)

    def is_in(self, about: Mapping[str, Any] | None) -> bool:
        """Whether a bundle's description is of it, and not of one in a copy of its study."""
        match about:
            case {"best": {"trial": self.number, "score": float(score)}}:
                return isclose(score, self.score or 0.0)
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRecord:
    """One study with its trials in order of their numbers.

    ``trials_wanted`` is its budget in slots, ``score`` the name of the score that trials are ranked
    by, ``data`` where its images came from. ``called`` is what commands call it where its own name
    means another study: the newest of its sweep.
    """

    name: str
    sweep: str
    uuid: str
    trials_wanted: int
    score: str = "accuracy"
    data: str = ""
    certificate: Certificate | None = None  # what it says of its data
    choice: Choice | None = None  # what it named at its end, and why
    called: str = field(default="", compare=False)
    created: datetime | None = None
    fingerprint: dict[str, str] = field(default_factory=dict)
    settings: str = ""
    files: str = ""  # the folder of its trials' files, on machines that reach it
    files_of: dict[str, str] = field(
        default_factory=dict
    )  # of machines that did not: "shared" by now, or their own
    trials: tuple[TrialRecord, ...] = ()

    @property
    def option(self) -> str:
        """The option by which a command names it, as it is typed in a shell."""
        return study_option(self.called or self.name)

    @property
    def weights(self) -> dict[str, str]:
        """What each backbone started from, such as ``imagenet`` or ``random``."""
        prefix = "weights."
        return {
            key.removeprefix(prefix): value.partition(" ")[0]
            for key, value in self.fingerprint.items()
            if key.startswith(prefix) and key != "weights.seed"
        }

    def acting(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters of a trial that act in this study, of those that act by its space.

        Where every epoch has a view of its own, the number of views does not.
        """
        online = self.fingerprint.get("views.mode") == "online"
        return {name: value for name, value in params.items() if not (online and name == "views")}

    @property
    def completed(self) -> list[TrialRecord]:
        """The trials that ran to their end, in order of their numbers."""
        return [
            trial
            for trial in self.trials
            if trial.state is TrialState.COMPLETE and trial.score is not None
        ]

    @property
    def infeasible(self) -> list[TrialRecord]:
        """The trials that could not be trained, in order of their numbers; their notes say why."""
        return [trial for trial in self.trials if trial.state is TrialState.INFEASIBLE]

    @property
    def best(self) -> TrialRecord | None:
        """The first of the ``ranked`` trials; None before there is one."""
        return next(iter(self.ranked), None)

    @property
    def named(self) -> TrialRecord | None:
        """The winner: what the study chose at its end, before that its best trial.

        A choice among fewer trials than there are now does not count.
        """
        choice = self.current_choice
        if choice is None:
            return self.best
        if choice.linear_head and choice.named == LINEAR_HEAD:
            score = choice.of(LINEAR_HEAD)
            return TrialRecord(
                number=LINEAR_HEAD,
                state=TrialState.COMPLETE,
                score=None if score is None else score.searched,
                acting=dict(choice.linear_head),
            )
        found = (trial for trial in self.completed if trial.number == choice.named)
        return next(found, self.best)

    @property
    def current_choice(self) -> Choice | None:
        """What the study chose, where no trial was finished since."""
        if self.choice is None or self.choice.trials_done != self.slots_filled:
            return None
        return self.choice

    def is_made_in(self, about: Mapping[str, Any] | None) -> bool:
        """Whether a bundle's description is of the winner, made in the way that was chosen."""
        if about is None or self.named is None or not self.named.is_in(about):
            return False
        choice = self.current_choice
        return ships_in(about) == ("refit" if choice is None else choice.ships)

    @property
    def ranked(self) -> list[TrialRecord]:
        """The completed trials, the best first, the earlier first on a tie.

        Of a configuration that was trained several times, the one with the mean of all.
        """
        counted = [trial for trial in self.completed if not trial.superseded]
        return sorted(counted, key=lambda trial: (-(trial.score or 0.0), trial.number))

    @property
    def remedy(self) -> str:
        """What to do where no trial has completed."""
        if not self.infeasible:
            return "run more with 'bcsearch run'"
        last = self.infeasible[-1]
        return (
            f"{len(self.infeasible)} could not be trained, trial {last.number} as {last.note}: "
            "fix the sweep or its "
            "space and start anew with --fresh"
        )

    def count(self, state: TrialState) -> int:
        """Return how many trials are in ``state``."""
        return sum(trial.state is state for trial in self.trials)

    @property
    def retried(self) -> frozenset[int]:
        """The numbers of trials that were lost and queued again."""
        return frozenset(trial.retry_of for trial in self.trials if trial.retry_of is not None)

    @property
    def slots_filled(self) -> int:
        """How many trials fill a slot of the budget."""
        return sum(trial.is_finished for trial in self.trials)
