"""The end of a search: names a winner by repeats, and says which way to make its model ships."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.errors import InfeasibleError, StudyError, listed
from bcsearch.export.weighing import megabytes_of, milliseconds_of
from bcsearch.records import EpochScores, TrialState
from bcsearch.records.choice import FIRST_START, LINEAR_HEAD, Choice, Repeated, Way, trial_name
from bcsearch.records.events import Notice
from bcsearch.report.choice import choice_lines
from bcsearch.scores.calibration import at_temperature, calibrate, expected_calibration_error
from bcsearch.scores.choosing import best_repeated, greedy_ensemble, simplest_unbeaten
from bcsearch.scores.table import CLEAN, chosen_scores, with_companions
from bcsearch.storage import LedgerEntry, attrs
from bcsearch.study.checking import informed_backbone
from bcsearch.study.repeats import SHORT, Candidate, Repeater, Repeats
from bcsearch.training.linear import LINEAR, linear_epochs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from bcsearch.records import StudyRecord
    from bcsearch.records.ending import Gain
    from bcsearch.records.events import Listener
    from bcsearch.study.assemble import Prepared
    from bcsearch.study.session import Session

LIBRARY = 30  # best trials that an ensemble is chosen from
LINEAR_SECONDS = 2.0  # that training a linear head takes, or less


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chosen:
    """A winner, and what it takes to make its model.

    Attributes:
        candidates: the members of all ways, by trial.
        temperatures: of their probabilities, by trial.
        choice: why; None where nothing was trained again.
    """

    winner: Candidate
    candidates: Mapping[int, Candidate]
    temperatures: Mapping[int, float]
    choice: Choice | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Chooser:
    """Chooses among the completed trials of a study.

    ``check`` is called as training goes on, and may raise to end it; what is done is kept.
    """

    prepared: Prepared
    session: Session
    check: Callable[[], None]
    listener: Listener

    def choose(self, study: StudyRecord) -> Chosen:
        """Train the best trials again, name the best of them, compare ways to make a model.

        The study keeps what came of it.
        """
        best, *_ = ranked = self._ranked(study)
        committee, ensemble = self._committee(study), self._ensemble(ranked)
        earlier = {number for number, _ in self.session.ledger.repeats() if number != LINEAR_HEAD}
        nameable = [
            *ranked[: self.prepared.plan.sweep.final.candidates],
            *filter(None, map(self._candidate, sorted(earlier))),
            *filter(None, (self._first_start(study), self._linear_head())),
        ]
        members = [self._candidate(number) for number in committee]
        others = [self._candidate(number) for number in ensemble]
        needed = _distinct([best, *members, *nameable])
        wanted = _distinct([*needed, *others])
        repeater = Repeater(
            prepared=self.prepared, session=self.session, check=self.check, listener=self.listener
        )
        repeats = repeater.run(wanted, len(needed))
        if repeats is None:
            self.session.study.set_user_attr(attrs.CHOICE, {})  # an earlier one counts no more
            return Chosen(winner=best, candidates={}, temperatures={})
        candidates = {each.trial: each for each in wanted if each.trial in repeats.predicted}
        temperatures = {number: _temperature(repeats, number) for number in candidates}
        choice = self._choice(study, repeats, candidates, {each.trial for each in nameable})
        alone = (choice.named,)
        made = {"refit": alone, "bag": alone, "ensemble": ensemble, "committee": committee}
        for name, trials in made.items():
            if not set(trials) <= candidates.keys():
                told = listed([trial_name(number) for number in dict.fromkeys(trials)])
                line = f"the {name} of {told} is not compared"
                self.listener(Notice(text=f"{line}: {SHORT}"))
        choice = self._with_ways(choice, made, repeats, candidates, temperatures)
        self.session.study.set_user_attr(attrs.CHOICE, asdict(choice))
        for line in choice_lines(replace(study, choice=choice)):
            self.listener(Notice(text=line))
        return Chosen(
            winner=candidates[choice.named],
            candidates=candidates,
            temperatures=temperatures,
            choice=choice,
        )

    def alone(self, number: int) -> Chosen:
        """Return a trial that was chosen by its number.

        Raises:
            StudyError: the ledger does not hold it.
        """
        candidate = self._candidate(number)
        if candidate is None:
            raise StudyError(
                f"trial {number} of study {self.session.name!r} has no ledger entry; "
                "choose another --trial"
            )
        return Chosen(winner=candidate, candidates={}, temperatures={})

    def _choice(
        self,
        study: StudyRecord,
        repeats: Repeats,
        candidates: Mapping[int, Candidate],
        nameable: Collection[int],
    ) -> Choice:
        """Name a trial, and tell its chances against the next and the first start point."""
        compared, predicted = repeats.comparison, repeats.predicted
        repeated = tuple(
            Repeated(
                trial=number,
                searched=candidates[number].entry.best.mean,
                scores=compared.score(seen),
            )
            for number, seen in predicted.items()
        )
        compared_ones = [each for each in repeated if each.trial in nameable] or repeated
        named = best_repeated(compared_ones, study.score)
        others = sorted(
            (each for each in compared_ones if each is not named),
            key=lambda each: -each.mean(study.score),
        )
        against = [each.trial for each in others[:1]]
        against += [each.trial for each in others if each.trial == FIRST_START]
        linear = candidates.get(LINEAR_HEAD)
        return Choice(
            trials_done=study.slots_filled,
            score=study.score,
            n_repeats=repeats.n_repeats,
            n_compared=len(compared_ones),
            fresh_folds=repeats.fresh_folds,
            repeated=repeated,
            named=named.trial,
            chances={
                number: compared.chance(predicted[named.trial], predicted[number])
                for number in dict.fromkeys(against)
            },
            linear_head={} if linear is None else dict(linear.entry.params.acting),
        )

    def _with_ways(
        self,
        choice: Choice,
        made: Mapping[str, tuple[int, ...]],
        repeats: Repeats,
        candidates: Mapping[int, Candidate],
        temperatures: Mapping[int, float],
    ) -> Choice:
        """Compare ways by what their members predicted in the repeats."""
        predicted: dict[str, list[np.ndarray]] = {}
        ways = []
        for name, trials in made.items():
            if not trials or not set(trials) <= repeats.predicted.keys():
                continue
            if name == "bag" and 1 in (repeats.n_repeats, self.prepared.folds.n_folds):
                continue  # nothing tells what several networks of it say of one image
            seen = _mean_of(trials, repeats, temperatures)
            raw = _mean_of(trials, repeats, dict.fromkeys(trials, 1.0))
            if name == "bag":
                seen = [np.stack(seen).mean(axis=0)] * repeats.n_repeats
                raw = [np.stack(raw).mean(axis=0)] * repeats.n_repeats
            costs = self._costs(name, trials, candidates)
            if costs is None:
                continue
            predicted[name] = seen
            ways.append(
                Way(
                    name=name,
                    trials=trials,
                    scores=repeats.comparison.score(seen),
                    calibration=(_error(repeats, raw), _error(repeats, seen)),
                    milliseconds=costs[0],
                    megabytes=costs[1],
                )
            )

        def gain(one: str, other: str) -> Gain:
            return repeats.comparison.gain(one, predicted[one], predicted[other])

        return replace(choice, ways=tuple(ways), ships=simplest_unbeaten(list(predicted), gain))

    def _costs(
        self, name: str, trials: tuple[int, ...], candidates: Mapping[int, Candidate]
    ) -> tuple[float, float] | None:
        """Return milliseconds an image and megabytes of a way, by networks that were not trained.

        What they cost does not depend on their weights. None where there is no memory for it.
        """
        trainer = self.prepared.trainer
        count = trainer.folds.n_folds if name == "bag" else 1
        parts = [candidates[number].entry.params for number in dict.fromkeys(trials)]
        try:
            with trainer.enough_memory():
                networks = [(each, trainer.untrained(each)) for each in parts for _ in range(count)]
                model = trainer.builder.model(networks)
                return milliseconds_of(model), megabytes_of(model)
        except InfeasibleError as error:
            self.listener(Notice(text=f"{name} is left out: {error}"))
            return None

    def _ranked(self, study: StudyRecord) -> list[Candidate]:
        """Return the best trials, each configuration once."""
        found: dict[str, Candidate] = {}
        for trial in study.ranked[:LIBRARY]:
            candidate = self._candidate(trial.number)
            if candidate is not None:
                found.setdefault(candidate.entry.params.digest(), candidate)
        return list(found.values()) or [self.alone(study.ranked[0].number).winner]

    def _candidate(self, number: int) -> Candidate | None:
        entry = self.session.ledger.entry_of(number)
        return None if entry is None else Candidate.of(entry)

    def _first_start(self, study: StudyRecord) -> Candidate | None:
        """Return the first start point, which a study tries first, if it was not pruned."""
        for trial in study.completed:
            if trial.number == FIRST_START or trial.retry_of == FIRST_START:
                return self._candidate(trial.number)
        return None

    def _linear_head(self) -> Candidate | None:
        """Return the linear head that the study's baselines hold, as a configuration."""
        certificate = self.prepared.check.certificate
        backbone = informed_backbone(self.prepared.weights)
        if backbone is None or not certificate.baselines:
            return None
        size = min(int(each) for each in self.prepared.plan.space.choice_of("image_size"))
        params = LINEAR.but(backbone=backbone, image_size=size)
        n_epochs = linear_epochs(self.prepared.trainer.folds)
        score, rate = certificate.score, LINEAR.learning_rate
        scores = EpochScores(
            epoch=n_epochs - 1,
            score=score,
            scores=certificate.baselines[-1].scores,
            train_loss=0.0,
            learning_rate=rate,
        )
        entry = LedgerEntry(
            trial_number=LINEAR_HEAD,
            params=params,
            epochs=(scores,),
            state=TrialState.COMPLETE,
            train_seconds=LINEAR_SECONDS / n_epochs,
            total_seconds=LINEAR_SECONDS,
        )
        return Candidate(entry=entry, learning_rates=[rate] * n_epochs)

    def _committee(self, study: StudyRecord) -> tuple[int, ...]:
        """Return the best trial of each preprocessing, the best first."""
        best: dict[object, int] = {}
        for trial in study.ranked:
            best.setdefault(trial.params.get("preprocess"), trial.number)
        chosen = list(best.values())[: self.prepared.plan.sweep.final.committee]
        return tuple(chosen) if len(chosen) > 1 else ()

    def _ensemble(self, ranked: list[Candidate]) -> tuple[int, ...]:
        """Return the trials whose mean predicts best what the search validated on."""
        kept = {each.trial: self.session.artifacts.probabilities(each.trial) for each in ranked}
        task = self.prepared.trainer.folds
        rows = np.concatenate(task.valid_rows)
        library = {
            number: seen[rows].astype(np.float64)
            for number, seen in kept.items()
            if seen is not None
        }
        score, *_ = chosen_scores(self.prepared.plan.sweep.search)
        clean = next((each for each in with_companions(score) if each.shifts == CLEAN), None)
        if clean is None or len(library) < 2:
            return ()
        chosen = greedy_ensemble(library, lambda seen: clean(task.labels[rows], [seen], rows))
        return chosen if len(set(chosen)) > 1 else ()


def _distinct(candidates: Iterable[Candidate | None]) -> list[Candidate]:
    """Return each configuration once, the first of its trials."""
    found: dict[str, Candidate] = {}
    for each in candidates:
        if each is not None:
            found.setdefault(each.entry.params.digest(), each)
    return list(found.values())


def _temperature(repeats: Repeats, trial: int) -> float:
    """Return the temperature of a trial by what it predicted of clean images in a repeat."""
    compared = repeats.comparison
    return calibrate(compared.labels, repeats.predicted[trial][0][0], compared.folds[0]).temperature


def _error(repeats: Repeats, seen: list[np.ndarray]) -> float:
    """Return the expected calibration error on clean images, the mean over repeats."""
    compared = repeats.comparison
    errors = []
    for views, folds in zip(seen, compared.folds, strict=True):
        rows = np.concatenate(folds)
        errors.append(expected_calibration_error(compared.labels[rows], views[0][rows]))
    return float(np.mean(errors))


def _mean_of(
    trials: tuple[int, ...], repeats: Repeats, temperatures: Mapping[int, float]
) -> list[np.ndarray]:
    """Return the mean of calibrated probabilities of several trials, repeat by repeat."""
    return [
        np.mean(
            [
                at_temperature(repeats.predicted[trial][repeat], temperatures[trial])
                for trial in trials
            ],
            axis=0,
        )
        for repeat in range(repeats.n_repeats)
    ]
