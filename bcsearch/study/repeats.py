"""Trains the best trials of a study again, on fresh folds with fresh seeds.

The search's own score of its best trial is too high: it is the best of many, and its best epoch was
chosen on the same images. A repeat trains for as many epochs as the search found, and scores once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.backbones.cuts import INPUT
from bcsearch.data.folds import fresh_folds
from bcsearch.errors import InfeasibleError
from bcsearch.records.choice import trial_name
from bcsearch.records.events import Notice
from bcsearch.records.sizes import time_text
from bcsearch.scores.comparison import Comparison
from bcsearch.scores.table import chosen_scores, with_companions
from bcsearch.seeds import derive_seed
from bcsearch.study.endings import views_seen
from bcsearch.training.needs import needs_of
from bcsearch.training.protocol import shifts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bcsearch.records.events import Listener
    from bcsearch.scores.table import Score
    from bcsearch.storage import LedgerEntry
    from bcsearch.study.assemble import Prepared
    from bcsearch.study.session import Session
    from bcsearch.training.trainer import Trainer

SHORT = "[final] repeat_share of the search's time is too short for more"
LEAST_SECONDS = 5.0  # less is not worth a choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A configuration that may be trained again.

    Attributes:
        entry: what the search found of it.
        learning_rates: one an epoch, up to its best one.
    """

    entry: LedgerEntry
    learning_rates: Sequence[float]

    @classmethod
    def of(cls, entry: LedgerEntry) -> Candidate:
        """Return a trial as it stands in the ledger."""
        rates = [scores.learning_rate for scores in entry.epochs[: entry.best.epoch + 1]]
        return cls(entry=entry, learning_rates=rates)

    @property
    def trial(self) -> int:
        """Its number."""
        return self.entry.trial_number

    @property
    def train_seconds(self) -> float:
        """Estimate how long training its folds again takes."""
        share = len(self.learning_rates) / max(1, len(self.entry.epochs))
        return self.entry.train_seconds * share


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Repeats:
    """What was trained again, and what it predicts of images that it was not trained on.

    Attributes:
        comparison: of the images, the folds and the scores.
        predicted: by trial, of each repeat (n_views, n_images, n_classes).
        fresh_folds: whether the images were divided anew.
    """

    comparison: Comparison
    predicted: dict[int, list[np.ndarray]]
    fresh_folds: bool

    @property
    def n_repeats(self) -> int:
        """How often each was trained again."""
        return len(self.comparison.folds)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Repeater:
    """Trains candidates again within a share of the search's time.

    ``check`` is called as training goes on, and may raise to end it; what is done is kept.
    """

    prepared: Prepared
    session: Session
    check: Callable[[], None]
    listener: Listener

    def run(self, candidates: Sequence[Candidate], n_needed: int) -> Repeats | None:
        """Train candidates again; the first ``n_needed`` are worth more than a second repeat.

        None where the time does not reach for the first and another one, or the sweep wants no
        repeats.
        """
        final, ledger = self.prepared.plan.sweep.final, self.session.ledger
        allowed = final.repeat_share * ledger.search_seconds()
        if not final.repeats:
            return None
        if allowed < LEAST_SECONDS:
            line = f"a search of {time_text(ledger.search_seconds())} is too short for it"
            self.listener(Notice(text=f"no trial is trained again before one is named: {line}"))
            return None
        artifacts = self.session.artifacts
        done = {key: value for key, value in ledger.repeats().items() if artifacts.has_repeat(*key)}
        left = allowed - sum(done.values())
        score, *_ = chosen_scores(self.prepared.plan.sweep.search)
        for scores in (with_companions(score), [score]):
            for n_repeats in range(final.repeats, 0, -1):
                chosen = self._within(candidates, scores, n_repeats, left)
                least = n_needed if n_repeats > 1 else 2
                if len(chosen) >= min(least, len(candidates)):
                    if len(scores) < len(with_companions(score)):
                        self.listener(
                            Notice(text=f"repeats are scored by {score.name} alone: {SHORT}")
                        )
                    return self._trained(chosen, scores, n_repeats)
        self.listener(Notice(text=f"no trial is trained again before one is named: {SHORT}"))
        return None

    def _within(
        self,
        candidates: Sequence[Candidate],
        scores: Sequence[Score],
        n_repeats: int,
        seconds: float,
    ) -> list[Candidate]:
        """Return candidates that can be trained so often in so many seconds, the first first.

        None of them where it does not reach for the first: nothing can be said of it then.
        """
        trainer = self.prepared.trainer.scored_by(scores)
        passed: set[object] = set()
        chosen = []
        for each in candidates:
            missing = [
                repeat
                for repeat in range(1, n_repeats + 1)
                if self._kept(each, repeat, scores) is None
            ]
            passes = {} if not missing else _pass_seconds(trainer, each)
            new = {key: value for key, value in passes.items() if key not in passed}
            cost = len(missing) * each.train_seconds + sum(new.values())
            if cost <= max(0.0, seconds):
                seconds -= cost
                passed |= new.keys()
                chosen.append(each)
            elif not chosen:
                return []
        return chosen

    def _trained(
        self, candidates: Sequence[Candidate], scores: Sequence[Score], n_repeats: int
    ) -> Repeats | None:
        """Train each candidate as often, or read what is kept; those that fail are left out.

        None where all of them fail.
        """
        prepared = self.prepared
        predicted: dict[int, list[np.ndarray]] = {each.trial: [] for each in candidates}
        failed: set[int] = set()
        all_folds, is_fresh = [], True
        for repeat in range(1, n_repeats + 1):
            seed = derive_seed(prepared.folds.seed, "repeat", repeat)
            folds = fresh_folds(prepared.dataset, prepared.folds, seed)
            is_fresh = is_fresh and folds is not prepared.folds
            trainer = prepared.trainer.scored_by(scores).on_folds(folds)
            all_folds.append(trainer.folds.valid_rows)
            for each in candidates:
                if each.trial in failed:
                    continue
                seen = self._kept(each, repeat, scores)
                if seen is None:
                    seen = self._train(each, repeat, trainer, scores)
                if seen is None:
                    failed.add(each.trial)
                else:
                    predicted[each.trial].append(seen)
        for number in failed:
            del predicted[number]
        if not predicted:
            return None
        comparison = Comparison(
            scores=scores,
            labels=prepared.dataset.labels,
            folds=all_folds,
            groups=prepared.dataset.groups,
        )
        return Repeats(comparison=comparison, predicted=predicted, fresh_folds=is_fresh)

    def _train(
        self, candidate: Candidate, repeat: int, trainer: Trainer, scores: Sequence[Score]
    ) -> np.ndarray | None:
        """Train a candidate and keep what it predicts; None where that cannot be done."""
        begun = time.monotonic()
        rates = candidate.learning_rates
        try:
            models = trainer.fold_models(candidate.entry.params, rates, self.check, repeat)
            seen = views_seen(models, scores, trainer.folds)
            if not np.isfinite(seen[:, np.concatenate(trainer.folds.valid_rows)]).all():
                raise InfeasibleError("its predictions became NaN")
        except InfeasibleError as error:
            line = f"{trial_name(candidate.trial)} cannot be trained again: {error}"
            self.listener(Notice(text=line))
            return None
        alone = Comparison(
            scores=scores, labels=trainer.folds.labels, folds=[trainer.folds.valid_rows]
        )
        self.session.artifacts.save_repeat(candidate.trial, repeat, seen)
        seconds = time.monotonic() - begun
        self.session.ledger.record_repeat(candidate.trial, repeat, alone.score([seen]), seconds)
        return seen

    def _kept(
        self, candidate: Candidate, repeat: int, scores: Sequence[Score]
    ) -> np.ndarray | None:
        """Return what an earlier end of the study left of a repeat, if it has all views."""
        seen = self.session.artifacts.repeat(candidate.trial, repeat)
        if seen is None or seen.ndim != 3 or len(seen) < len(shifts_of(scores)):
            return None
        return seen[: len(shifts_of(scores))]


def _pass_seconds(trainer: Trainer, candidate: Candidate) -> dict[object, float]:
    """Estimate how long each pass takes that a candidate needs and that is not kept.

    One of a shifted view takes as long as that of the clean view did.
    """
    params, features = candidate.entry.params, trainer.features
    network = params.backbone, params.image_size
    clean = trainer.views.clean(params)
    return {
        (network, need): features.seconds_of(*network, need._replace(view=clean))
        for need in needs_of(params, trainer.scored_views(params), trainer.n_epochs)
        if need.cut != INPUT and not features.is_kept(*network, need)
    }
