"""How a study's winner is named and what is made of it: repeats, chances, ways to ship."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations
from dataclasses import dataclass, field
from statistics import mean
from typing import Any

FIRST_START = 0  # the trial of the first start point
LINEAR_HEAD = -1  # stands for a trial: the best baseline that can be trained and written


def trial_name(number: int) -> str:
    """Return what a trial is called, or the linear head that was trained beside them."""
    return "the linear head" if number == LINEAR_HEAD else f"trial {number}"


def ships_in(about: Mapping[str, Any]) -> str:
    """Return the way in which the model of a bundle was made, by its description."""
    match about:
        case {"choice": {"ships": str(name)}}:
            return name
    return "refit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """A trial that was trained again, on fresh folds with fresh seeds.

    Attributes:
        trial: its number, or ``LINEAR_HEAD``.
        searched: what it scored in the search, the mean over folds.
        scores: by name, what each fold of each repeat scores.
    """

    trial: int
    searched: float
    scores: Mapping[str, tuple[float, ...]]

    def mean(self, score: str) -> float:
        """Return the mean over the folds of all repeats."""
        return mean(self.scores[score])


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to make a model of trials.

    Attributes:
        name: of ``WAYS``.
        trials: its members; one that counts several times stands there as often.
        scores: by name, what it scores in each fold of each repeat.
        calibration: its expected calibration error by the repeats, without the temperatures of its
            members and with them.
        milliseconds: an image, in batches of 32 on the machine that made it.
        megabytes: of its weights, each counted once.
    """

    name: str
    trials: tuple[int, ...]
    scores: Mapping[str, tuple[float, ...]]
    calibration: tuple[float, float] = (0.0, 0.0)
    milliseconds: float = 0.0
    megabytes: float = 0.0

    def mean(self, score: str) -> float:
        """Return the mean over the folds of all repeats."""
        return mean(self.scores[score])


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a study chose at its end.

    Attributes:
        trials_done: how many trials it was made among; another number makes another choice.
        score: the name of the one that trials are ranked by.
        n_repeats: how often each of ``repeated`` was trained again.
        n_compared: among how many of them the winner is the best; the others are members of ways.
        fresh_folds: whether the repeats were divided anew; not where the data has folds of its own.
        repeated: the candidates, the best of the search first, then what they must not fall below.
        named: the trial that is the winner, or ``LINEAR_HEAD``.
        chances: how likely the winner is better than others of ``repeated``, 0 to 1, by trial.
        ways: what was compared, the simplest first.
        ships: the name of the way that was taken.
        linear_head: the configuration that ``LINEAR_HEAD`` stands for; empty where it was not
            compared.
    """

    trials_done: int
    score: str
    n_repeats: int
    n_compared: int
    fresh_folds: bool
    repeated: tuple[Repeated, ...]
    named: int
    chances: Mapping[int, float] = field(default_factory=dict)
    ways: tuple[Way, ...] = ()
    ships: str = "refit"
    linear_head: Mapping[str, str | int | float | bool] = field(default_factory=dict)

    def of(self, trial: int) -> Repeated | None:
        """Return the repeats of a trial; None where it has none."""
        return next((each for each in self.repeated if each.trial == trial), None)

    @property
    def way(self) -> Way | None:
        """The way that was taken; None where none was compared."""
        return next((way for way in self.ways if way.name == self.ships), None)
