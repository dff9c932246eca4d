"""Makes the model of a study's winner: trained on all images, ended, calibrated, checked."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bcsearch.errors import StudyError
from bcsearch.records.choice import LINEAR_HEAD, trial_name
from bcsearch.records.ending import Calibration, Ending
from bcsearch.records.events import Notice
from bcsearch.records.refit_check import MARGIN, RefitCheck
from bcsearch.records.texts import study_option
from bcsearch.seeds import derive_seed
from bcsearch.study.endings import LEAST_SECONDS, Tried, calibrated, choose_ending
from bcsearch.views.making import make_view

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bcsearch.records.choice import Choice
    from bcsearch.records.events import Listener
    from bcsearch.study.assemble import Prepared
    from bcsearch.study.choosing import Chosen
    from bcsearch.study.repeats import Candidate
    from bcsearch.study.session import Session
    from bcsearch.training.fold_models import FoldModels
    from bcsearch.training.fold_weights import FoldWeights

CHECKED = 500  # images, at most, that a refit is checked on
BATCH = 64  # images in one pass


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Made:
    """A finished model, and how it came about.

    Attributes:
        model: of Keras, from images to probabilities.
        tried: how its training ended.
        choice: why it is this one; None where nothing was trained again.
        checked: what became of the check; None where it was left out.
    """

    model: Any
    tried: Tried
    choice: Choice | None = None
    checked: RefitCheck | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Maker:
    """Makes models of what was chosen.

    ``check`` is called as training goes on, and may raise to end it. ``accept`` keeps a model that
    does worse than its folds.
    """

    prepared: Prepared
    session: Session
    check: Callable[[], None]
    listener: Listener
    accept: bool = False

    def make(self, chosen: Chosen) -> Made:
        """Train on all images but those left to test on, in the way that was chosen.

        Raises:
            StudyError: the model does worse than its folds by more than a point.
        """
        choice = chosen.choice
        ships = "refit" if choice is None else choice.ships
        return {"refit": self._refit, "bag": self._bag}.get(ships, self._joined)(chosen)

    def _refit(self, chosen: Chosen) -> Made:
        """Train the winner on all images."""
        winner, trainer = chosen.winner, self.prepared.trainer
        begun, folds, tried = time.monotonic(), None, Tried()
        if self._checks and (chosen.choice is not None or self._seconds >= self._least(winner)):
            folds = self._folds(winner, averages=True)
            left = self._seconds - (time.monotonic() - begun)
            tried = choose_ending(self.prepared, folds, left, self.check, self.listener)
        tried = calibrated(tried, trainer.folds, self._out_of_fold(winner))
        weights, checked = self._trained(winner, tried.ending, folds)
        model = trainer.builder.model([(winner.entry.params, weights)], tried.ending.tta)
        return Made(model=model, tried=tried, choice=chosen.choice, checked=checked)

    def _bag(self, chosen: Chosen) -> Made:
        """Take the networks of the winner's folds, trained once more."""
        winner, trainer = chosen.winner, self.prepared.trainer
        temperature = chosen.temperatures[winner.trial]
        networks = [
            (winner.entry.params, each.at_temperature(temperature))
            for each in self._folds(winner).weights(averaged=False)
        ]
        model = trainer.builder.model(networks)
        return Made(model=model, tried=_tried(chosen.choice), choice=chosen.choice)

    def _joined(self, chosen: Chosen) -> Made:
        """Train each member on all images, at its own temperature."""
        trainer, choice = self.prepared.trainer, chosen.choice
        trials = choice.way.trials if choice and choice.way else ()
        trained: dict[int, FoldWeights] = {}
        checks = []
        for number in dict.fromkeys(trials):
            member = chosen.candidates[number]
            ending = Ending(temperature=chosen.temperatures[number])
            folds = self._folds(member) if self._checks else None
            trained[number], checked = self._trained(member, ending, folds)
            checks.append(checked)
        networks = [(chosen.candidates[each].entry.params, trained[each]) for each in trials]
        lowest = min(filter(None, checks), key=lambda each: each.refit, default=None)
        model = trainer.builder.model(networks)
        return Made(model=model, tried=_tried(choice), choice=choice, checked=lowest)

    @property
    def _checks(self) -> bool:
        """Whether folds are trained once more, to choose an ending and to check the refit."""
        return self.prepared.plan.sweep.final.share > 0

    @property
    def _seconds(self) -> float:
        """What choosing an ending may take."""
        return self.prepared.plan.sweep.final.share * self.session.ledger.search_seconds()

    def _least(self, winner: Candidate) -> float:
        """Return the least time in which it is worth while to train folds once more."""
        return max(LEAST_SECONDS, winner.train_seconds)

    def _folds(self, candidate: Candidate, *, averages: bool = False) -> FoldModels:
        params, rates = candidate.entry.params, candidate.learning_rates
        return self.prepared.trainer.fold_models(params, rates, self.check, averages=averages)

    def _trained(
        self, candidate: Candidate, ending: Ending, folds: FoldModels | None
    ) -> tuple[FoldWeights, RefitCheck | None]:
        """Train a candidate on all images; compare it with its folds, where these were trained."""
        params, trainer = candidate.entry.params, self.prepared.trainer
        weights = trainer.train_all(params, candidate.learning_rates, self.check, ending)
        if folds is None:
            why = "[final] share gives no time to train its folds once more"
            self.listener(
                Notice(text=f"the refit of {trial_name(candidate.trial)} is not checked: {why}")
            )
            return weights, None
        of_folds = folds.weights(averaged=ending.averaged > 1)
        checked = self._checked(candidate, weights, of_folds)
        copies = f"{checked.n_images} freshly changed copies of training images"
        told = ", ".join(f"{each:.4f}" for each in checked.folds)
        what = f"accuracy on {copies}: the refit of {trial_name(candidate.trial)}"
        line = f"{what} {checked.refit:.4f}, its folds {told}"
        if not (checked.passes or self.accept):
            raise StudyError(
                f"the model is refused: {line}; allowed: the lowest fold less {MARGIN}; keep it "
                f"with 'bcsearch refit {study_option(self.session.name)} --accept', or take "
                "another --trial"
            )
        self.listener(Notice(text=line))
        return weights, checked

    def _checked(
        self, candidate: Candidate, weights: FoldWeights, of_folds: Sequence[FoldWeights]
    ) -> RefitCheck:
        """Score a refit and its folds on copies of some images, changed by a seed of their own."""
        trainer, dataset = self.prepared.trainer, self.prepared.dataset
        seed = derive_seed(self.prepared.plan.sweep.training.seed, "refit check")
        random = np.random.default_rng(seed)
        known = np.unique(np.concatenate(trainer.folds.train_rows))
        rows = np.sort(random.permutation(known)[:CHECKED])
        view = trainer.views.check_view(seed)
        images = np.concatenate(list(make_view(dataset.images[rows], view)))
        params = candidate.entry.params
        model = trainer.builder.models([(params, each) for each in (weights, *of_folds)])
        parts = []
        for at in range(0, len(images), BATCH):
            self.check()
            parts.append(model(images[at : at + BATCH], training=False))
        predicted = [
            np.concatenate([np.asarray(part[number]).argmax(axis=1) for part in parts])
            for number in range(len(of_folds) + 1)
        ]
        right = [each == dataset.labels[rows] for each in predicted]
        known_to = [np.isin(rows, each) for each in trainer.folds.train_rows]
        return RefitCheck(
            n_images=len(rows),
            refit=float(right[0].mean()),
            folds=tuple(
                float(each[known].mean()) for each, known in zip(right[1:], known_to, strict=True)
            ),
        )

    def _out_of_fold(self, candidate: Candidate) -> np.ndarray | None:
        """Return what is kept of a candidate's predictions, (n_images, n_classes).

        None where some that were validated have none.
        """
        kept = self.session.artifacts.probabilities(candidate.trial)
        if candidate.trial == LINEAR_HEAD:
            repeat = self.session.artifacts.repeat(LINEAR_HEAD, 1)
            kept = None if repeat is None else repeat[0]
        rows = np.concatenate(self.prepared.trainer.folds.valid_rows)
        if kept is None or not np.isfinite(kept[rows]).all():
            return None
        return kept


def _tried(choice: Choice | None) -> Tried:
    """Return how true the probabilities of the way are that ships, as its repeats tell."""
    if choice is None or choice.way is None:
        return Tried()
    before, after = choice.way.calibration
    return Tried(calibration=Calibration(temperature=1.0, before=before, after=after))
