"""Plays a study on paper: draws trials, prunes them, adds up what they cost. Imports numpy and this room.

The constants were fitted to sweeps on frozen features of 4,188 real cells (``results/README.md``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, sqrt
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.backbones.cuts import POOLED
from bcsearch.costs.bill import stage_at
from bcsearch.costs.curves import Race
from bcsearch.costs.entries import seconds_to_make, seconds_to_trace
from bcsearch.training.kept import Kept
from bcsearch.training.trainer import GRAPHS_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bcsearch.config import Search, Training
    from bcsearch.costs.bill import Bill, Trace
    from bcsearch.costs.entries import Entry, Key
    from bcsearch.costs.pool import Candidate
    from bcsearch.costs.speeds import Network

TRIAL_SECONDS = 0.03  # besides all that is priced: asking, recording, keeping probabilities
REFIT_SECONDS = 4.0  # besides training: putting the model together and writing it
TOURNAMENT = 5  # draws of which the sampler, once it has learned, is taken to try the best
DEAR_IS_GOOD = (
    0.7  # correlation of a configuration's quality with the logarithm of what an epoch costs
)
LEAST_SPREAD = (
    0.3  # of the logarithms of prices: where all cost about the same, none is better for its cost
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Priced:
    """A configuration with what its epochs cost, had it all of them, what it reads, and the graph of each stage.

    ``prices`` are the seconds of an epoch in each of its stages.
    """

    candidate: Candidate
    prices: Sequence[float]
    epochs: Sequence[float]
    entries: Sequence[Entry]
    traces: Sequence[Trace]

    @property
    def seconds(self) -> float:
        """All epochs."""
        return sum(self.epochs)


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a study has cost: seconds, passes of one image, bytes on disk."""

    prefix: float = 0.0
    training: float = 0.0
    other: float = 0.0
    passes: int = 0
    cache_bytes: int = 0

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.prefix + self.training + self.other


@dataclass(slots=True, kw_only=True, eq=False)
class Played:
    """One study as it is played; ``kept`` are the entries of the cache, a trial may train ``trial_seconds``."""

    bill: Bill
    race: Race
    kept: set[Key]
    trial_seconds: float = inf
    tally: Tally = field(default_factory=Tally)
    _pass: tuple[Network, str] | None = None  # the network at hand, and where its last pass ended
    _graphs: Kept[Trace] = field(default_factory=lambda: Kept(GRAPHS_BYTES))
    _best: tuple[float, float] = (
        -np.inf,
        0.0,
    )  # quality of the best completed trial, seconds of refitting it

    def run(self, priced: Priced, targets: Mapping[int, float]) -> None:
        """Run one trial, whose stages rise to these qualities."""
        for entry in priced.entries:
            self._make(entry)
        in_time = int(np.searchsorted(np.cumsum(priced.epochs), self.trial_seconds, side="right"))
        n_epochs, completed = self.race.run(targets, in_time)
        spent = sum(priced.epochs[:n_epochs])
        n_stages = stage_at(priced.candidate.stages, n_epochs - 1) + 1
        if spent > self.trial_seconds and priced.candidate.stages[n_stages - 1].cut.name != POOLED:
            spent = self.trial_seconds  # ended amid an epoch, as those of heads alone are not
        self.tally.training += spent
        self.tally.other += TRIAL_SECONDS
        for trace in priced.traces[:n_stages]:
            self._graphs.get(trace.key, lambda trace=trace: self._traced(trace))  # type: ignore[misc] # mypy infers no default's type
        if completed:
            self._best = max(
                self._best, (_end(targets), spent * self.bill.share_of_refit(priced.candidate))
            )

    def refit(self) -> None:
        """End the study."""
        self.tally.training += self._best[1]
        self.tally.other += REFIT_SECONDS

    def _make(self, entry: Entry) -> None:
        if entry.key in self.kept:
            return
        n_images, speeds = len(self.bill.task.labels), self.bill.speeds
        self.tally.prefix += n_images * seconds_to_make(entry, self.kept, speeds)
        self.tally.cache_bytes += n_images * entry.image_bytes
        if entry.is_pass:
            self.tally.passes += n_images
            self._load(entry)
        self.kept.add(entry.key)

    def _load(self, entry: Entry) -> None:
        """Load another network, and trace another pass, than the ones at hand."""
        wanted, speeds = (entry.network, entry.cut), self.bill.speeds
        if self._pass is None or self._pass[0] != entry.network:
            self.tally.other += speeds.load[entry.network]
        if self._pass != wanted:
            self.tally.other += seconds_to_trace(entry, self.kept, speeds)
        self._pass = wanted

    def _traced(self, trace: Trace) -> Trace:
        self.tally.other += trace.seconds
        return trace


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """What studies are played with: prices, rules, what the cache holds before, the most that a trial may train."""

    bill: Bill
    search: Search
    training: Training
    kept: frozenset[Key]
    trial_seconds: float = inf

    def play(
        self, pool: Sequence[Priced], n_firsts: int, n_trials: int, random: np.random.Generator
    ) -> Tally:
        """Play one study; the first ``n_firsts`` of the pool are tried first."""
        played = Played(
            bill=self.bill,
            race=Race(self.search, self.training, random),
            kept=set(self.kept),
            trial_seconds=self.trial_seconds,
        )
        targets = _targets(pool, random)
        for number in range(n_trials):
            place = number if number < n_firsts else self._drawn(number, targets, random)
            played.run(pool[place], targets[place])
        played.refit()
        return played.tally

    def _drawn(
        self, number: int, targets: Sequence[Mapping[int, float]], random: np.random.Generator
    ) -> int:
        learned = self.search.sampler == "tpe" and number >= self.search.startup_trials
        places = random.integers(len(targets), size=TOURNAMENT if learned else 1)
        return max((int(place) for place in places), key=lambda place: _end(targets[place]))


def _targets(pool: Sequence[Priced], random: np.random.Generator) -> list[dict[int, float]]:
    """Return for each configuration how good each of its stages can get, by the epoch at which the stage begins.

    Dear heads, images and copies are better than cheap ones. What is unfrozen later may gain or lose: on real cells it
    gained, on drawn ones it lost, so it does one or the other in each study that is played.
    """
    logs = [np.log(priced.prices) for priced in pool]
    every = np.concatenate(logs)
    mean, spread = every.mean(), max(float(every.std()), LEAST_SPREAD)
    gain = random.uniform(-DEAR_IS_GOOD, DEAR_IS_GOOD)
    luck = sqrt(1 - DEAR_IS_GOOD**2) * random.normal(size=len(pool))
    firsts = np.array([log[0] for log in logs])
    heads = DEAR_IS_GOOD * (firsts - mean) / spread + luck
    return [
        {
            stage.first_epoch: float(head + gain * (price - log[0]) / spread)
            for stage, price in zip(priced.candidate.stages, log, strict=True)
        }
        for priced, log, head in zip(pool, logs, heads, strict=True)
    ]


def _end(targets: Mapping[int, float]) -> float:
    return list(targets.values())[-1]
