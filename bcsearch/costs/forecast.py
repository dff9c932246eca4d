"""What a study will cost: the mean of studies played on paper with the speeds of this machine. Imports this room."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.costs.bill import Bill
from bcsearch.costs.entries import entries_of, seconds_to_make
from bcsearch.costs.play import Priced, Table, Tally
from bcsearch.costs.pool import draw_pool
from bcsearch.costs.probe import measure
from bcsearch.records.forecast import EpochCost, Forecast, PassCost, Work
from bcsearch.seeds import derive_seed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bcsearch.backbones.cuts import Cut
    from bcsearch.config import Plan, Value
    from bcsearch.costs.entries import Entry, Key
    from bcsearch.costs.pool import Candidate
    from bcsearch.costs.speeds import Network, Speeds
    from bcsearch.features.features import Features
    from bcsearch.training.loop import Task
    from bcsearch.training.trainer import Trainer

PLAYS = 12  # studies played, of which the mean counts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimator:
    """Forecasts for a plan and parts of its space; measured once."""

    plan: Plan
    table: Table
    pool: Sequence[Priced]
    n_firsts: int = 0  # of the pool: trials that are known beforehand

    def forecast(self, pool: Sequence[Priced], n_trials: int) -> Forecast:
        """Return what a study costs whose trials are drawn from a part of the pool."""
        firsts = self.pool[: self.n_firsts]
        n_firsts = sum(priced in firsts for priced in pool)
        tallies = [
            self.table.play(pool, n_firsts, n_trials, self._random(number))
            for number in range(PLAYS)
        ]
        seconds = [tally.seconds for tally in tallies]
        work = Work(
            seconds=float(np.mean(seconds)),
            between=(min(seconds), max(seconds)),
            cache_bytes=round(_mean(tallies, "cache_bytes")),
            passes=round(_mean(tallies, "passes")),
        )
        rows = self._rows(pool)
        return Forecast(
            trials=n_trials,
            wanted=n_trials,
            work=work,
            prefix_seconds=_mean(tallies, "prefix"),
            training_seconds=_mean(tallies, "training"),
            all_bytes=sum(row.cache_bytes for row in rows),
            rows=rows,
            epochs=self._epochs(pool),
        )

    def _random(self, number: int) -> np.random.Generator:
        return np.random.default_rng(derive_seed(self.plan.sweep.search.seed, "play", number))

    def _rows(self, pool: Sequence[Priced]) -> tuple[PassCost, ...]:
        """Return a row for everything that a part of the pool reads, the shallowest cut of a network first."""
        entries = {entry.key: entry for priced in pool for entry in priced.entries}
        ranked = sorted(
            entries.values(),
            key=lambda each: (each.network, -each.trained, each.policy, each.index),
        )
        done = set(self.table.kept)
        return tuple(self._row(entry, done) for entry in ranked)

    def _epochs(self, pool: Sequence[Priced]) -> tuple[EpochCost, ...]:
        """Return a row for each cut above which a part of the pool trains."""
        seconds: dict[tuple[Network, Cut], list[float]] = {}
        for priced in pool:
            for stage, price in zip(priced.candidate.stages, priced.prices, strict=True):
                seconds.setdefault((priced.candidate.network, stage.cut), []).append(price)
        ranked = sorted(seconds, key=lambda key: (key[0], key[1].fraction))
        return tuple(
            EpochCost(
                backbone=network[0],
                image_size=network[1],
                cut=cut.name,
                trained=cut.fraction,
                seconds=float(np.mean(seconds[network, cut])),
            )
            for network, cut in ranked
        )

    def _row(self, entry: Entry, done: set[Key]) -> PassCost:
        kept = entry.key in done
        n_images = 0 if kept else len(self.table.bill.task.labels)
        seconds = 0.0 if kept else n_images * seconds_to_make(entry, done, self.table.bill.speeds)
        done.add(entry.key)
        return PassCost(
            backbone=entry.network[0],
            image_size=entry.network[1],
            cut=entry.cut,
            trained=entry.trained,
            view=entry.view,
            passes=n_images if entry.is_pass else 0,
            seconds=seconds,
            cache_bytes=n_images * entry.image_bytes,
            kept=kept,
        )


def measured(plan: Plan, trainer: Trainer, firsts: Sequence[Mapping[str, Value]]) -> Estimator:
    """Measure this machine on a few of the trainer's images; nothing is kept.

    ``firsts`` are the values of the trials that are known beforehand, in their order.

    Raises:
        ConfigError: there is no such backbone.
    """
    features, pool = trainer.features, draw_pool(plan, firsts)
    view_bytes = int(np.prod(features.images.shape[1:]))
    kept = _kept(pool, features, view_bytes)
    found = estimator_of(
        plan, pool, measure(trainer, pool), trainer.folds, kept=kept, view_bytes=view_bytes
    )
    return replace(found, n_firsts=len(firsts))


def estimator_of(
    plan: Plan,
    pool: Sequence[Candidate],
    speeds: Speeds,
    task: Task,
    *,
    view_bytes: int,
    kept: frozenset[Key] = frozenset(),
) -> Estimator:
    """Price the configurations of a pool; ``kept`` is what the cache holds, ``view_bytes`` are those of one image."""
    bill, epochs = Bill(speeds=speeds, task=task), plan.sweep.training.epochs
    priced = [
        Priced(
            candidate=each,
            prices=bill.prices(each),
            epochs=bill.epochs(each, epochs),
            entries=entries_of(each, view_bytes),
            traces=bill.traces(each),
        )
        for each in pool
    ]
    table = Table(
        bill=bill,
        search=plan.sweep.search,
        training=plan.sweep.training,
        kept=kept,
        trial_seconds=plan.sweep.limits.trial_seconds or inf,
    )
    return Estimator(plan=plan, table=table, pool=priced)


def _kept(pool: Sequence[Candidate], features: Features, view_bytes: int) -> frozenset[Key]:
    """Return what the cache holds already."""
    found = {
        entry.key: (each.params, entry) for each in pool for entry in entries_of(each, view_bytes)
    }
    return frozenset(
        key
        for key, (params, entry) in found.items()
        if features.is_kept(params, entry.cut, entry.index)
    )


def _mean(tallies: Sequence[Tally], name: str) -> float:
    return float(np.mean([getattr(tally, name) for tally in tallies]))
