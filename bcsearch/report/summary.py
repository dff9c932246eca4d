"""A study as a few lines or as JSON: how far it is, its best trials."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import stdev
from typing import TYPE_CHECKING, Any

from bcsearch.errors import StudyError, listed
from bcsearch.recipe import BY_NAME, Params
from bcsearch.records import TrialState
from bcsearch.records.choice import trial_name
from bcsearch.report.checked import baselines_table, beaten_text, certificate_lines
from bcsearch.report.choice import choice_lines, choice_tables
from bcsearch.report.columns import aligned, short
from bcsearch.report.trials import configuration_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.records import StudyRecord, TrialRecord
    from bcsearch.records.checked import Certificate
    from bcsearch.records.choice import Choice

    About = Mapping[str, Any]

BEST_SHOWN = 5
SHOWN_DATA = {"demo": "the demo, DRAWN cells and no real images"}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenFacts:
    """What the refitted model scores, 0 to 1, on the part of the images held out for testing."""

    n_images: int
    accuracy: float
    macro_f1: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreFacts:
    """One score at the best epoch; ``spread`` is the folds' standard deviation, None for one."""

    mean: float
    folds: tuple[float, ...]
    spread: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BestFacts:
    """One completed trial.

    Attributes:
        score_name: of the score that trials are ranked by.
        score: its mean over folds at the best epoch.
        scores: all scores at that epoch, by name.
        ending: what was tried to end the training of the finished model, and what it gave; nothing
            where the trial is not the one that was refitted.
        test: known where the trial is the one that was refitted, and a test part was held out.
        basis: the images and the weights that scores stand on; empty where not known.
        certificate: what the study says of its data, and baselines; None where it says nothing.
        not_beaten: that it does not beat the best baseline, in a sentence; empty where it does.
        choice: which trial the study named at its end, and why, in lines.
        tables: what was trained again, and the ways to make a model.
        chosen: the same as numbers; None before the study's end.
    """

    study: str
    basis: str
    trial: int
    score_name: str
    score: float
    scores: dict[str, ScoreFacts]
    test: UnseenFacts | None
    ending: str
    epochs: int
    seconds: float | None
    params: dict[str, Any]  # those that acted, drawn or fixed
    certificate: Certificate | None = None
    not_beaten: str = ""
    choice: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    chosen: Choice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusFacts:
    """How far a study is; ``best`` holds the best first.

    Attributes:
        states: the number of trials that fill a slot of the budget, or will, by state.
        retried: attempts that were lost with their worker and queued again.
        failed: attempts that ended for another reason and fill no slot.
        infeasible: why the last trials that could not be trained could not, by their numbers.
        basis: the images and the weights that scores stand on; empty where not known.
        certificate: what the study says of its data, and baselines; None where it says nothing.
        not_beaten: as of the best trial.
        choice: as of the best trial.
    """

    study: str
    basis: str
    sweep: str
    trials_wanted: int
    trials_done: int
    states: dict[str, int]
    retried: int
    failed: int
    infeasible: dict[int, str]
    completed: int
    best: tuple[BestFacts, ...]
    certificate: Certificate | None = None
    not_beaten: str = ""
    choice: tuple[str, ...] = ()


def status_facts(study: StudyRecord, about: About | None = None) -> StatusFacts:
    """Collect the state of a study; ``about`` is its bundle's description, where there is one."""
    retried = len(study.retried)
    counts = {state.value: study.count(state) for state in TrialState}
    failed = counts.pop(TrialState.FAIL.value)
    return StatusFacts(
        study=study.name,
        basis=_basis(study, study.weights),
        sweep=study.sweep,
        trials_wanted=study.trials_wanted,
        trials_done=study.slots_filled,
        states={state: count for state, count in counts.items() if count},
        retried=retried,
        failed=failed - retried,
        infeasible={trial.number: trial.note for trial in study.infeasible[-3:]},
        completed=len(study.completed),
        best=tuple(trial_facts(study, trial, about) for trial in study.ranked[:BEST_SHOWN]),
        certificate=study.certificate,
        not_beaten=beaten_text(study),
        choice=tuple(choice_lines(study)),
    )


def best_facts(study: StudyRecord, about: About | None = None) -> BestFacts:
    """Collect what is known of the winner; ``about`` is the description of the study's bundle.

    Raises:
        StudyError: no trial has completed.
    """
    if study.named is None:
        raise StudyError(f"study {study.name!r} has no completed trial; {study.remedy}")
    return replace(
        trial_facts(study, study.named, about),
        certificate=study.certificate,
        not_beaten=beaten_text(study),
        choice=tuple(choice_lines(study)),
        tables=tuple(choice_tables(study)),
        chosen=study.current_choice,
    )


def status_text(facts: StatusFacts) -> str:
    """Return the state of a study in lines."""
    states = ", ".join(f"{count} {state}" for state, count in facts.states.items())
    lines = [
        f"study {facts.study}: {facts.trials_done} of {facts.trials_wanted} trials done "
        f"({states or 'no trials yet'}{_attempts(facts)})"
    ]
    if facts.basis:
        lines.append(f"  {facts.basis}")
    lines += _data_lines(facts.certificate)
    if facts.completed > len(facts.best):
        lines.append(f"  the best {len(facts.best)} of {facts.completed} that completed:")
    for best in facts.best:
        scored = f"{best.score_name} {best.score:.4f}"
        lines.append(f"  trial {best.trial}: {scored} {_configuration(best.params)}")
        if best.test is not None:
            lines.append(f"  {unseen_text(best.test)}")
    if facts.not_beaten:
        lines.append(f"  {facts.not_beaten}")
    lines += [f"  {line}" for line in facts.choice]
    for number, reason in facts.infeasible.items():
        lines.append(f"  trial {number} could not be trained: {reason}")
    return "\n".join(lines)


def best_text(facts: BestFacts) -> str:
    """Return the best trial in lines: all its scores, fold by fold, then its configuration."""
    scored = f"{facts.score_name} {facts.score:.4f}"
    if facts.epochs:
        scored += f" after {facts.epochs} epochs"
    lines = [f"study {facts.study}, {trial_name(facts.trial)}: {scored}"]
    if facts.basis:
        lines.append(f"  {facts.basis}")
    lines += _data_lines(facts.certificate)
    rows = [_score_cells(name, score) for name, score in facts.scores.items()]
    if rows:
        lines.append(aligned(rows, ("  at that epoch", "mean", "spread", "folds"), right=(1, 2)))
    if facts.certificate is not None and facts.certificate.baselines:
        lines.append(baselines_table(facts.certificate))
    if facts.not_beaten:
        lines.append(f"  {facts.not_beaten}")
    lines += [f"  {line}" for line in facts.choice] + list(facts.tables)
    if facts.test is not None:
        lines.append(f"  {unseen_text(facts.test)}")
    if facts.ending:
        lines.append(f"  {facts.ending}")
    lines += [f"  {name} = {value}" for name, value in sorted(facts.params.items())]
    return "\n".join(lines)


def _data_lines(certificate: Certificate | None) -> list[str]:
    """Say what a study does about its data."""
    if certificate is None:
        return []
    return [f"  data: {line}" for line in certificate_lines(certificate)]


def _basis(study: StudyRecord, weights: Mapping[str, str]) -> str:
    """Say what images a study is of and what its backbones started from."""
    parts = []
    if study.data:
        parts.append(f"data: {SHOWN_DATA.get(study.data, study.data)}")
    kinds: dict[str, list[str]] = {}
    for name, kind in weights.items():
        kinds.setdefault(kind, []).append(name)
    if kinds:
        told = [f"{kind} ({listed(names)})" for kind, names in kinds.items()]
        parts.append(f"weights: {', '.join(told)}")
    return "; ".join(parts)


def unseen_text(test: UnseenFacts) -> str:
    """Say what the refitted model scores on images that were held out."""
    return (
        f"test part, {test.n_images} images never used in training or choosing: "
        f"accuracy {test.accuracy:.4f}, macro F1 {test.macro_f1:.4f}"
    )


def _configuration(params: dict[str, Any]) -> str:
    """Return the backbone, the image size and what differs from its default."""
    if not set(params) <= set(BY_NAME):  # a study of plain Optuna
        return " ".join(f"{name}={short(params[name], 3)}" for name in sorted(params))
    given = Params(**params)
    named = ("backbone", "image_size")
    text = configuration_text(given.but(**{name: BY_NAME[name].default for name in named}))
    return f"{given.backbone} at {given.image_size} pixels, {text}"


def _attempts(facts: StatusFacts) -> str:
    attempts = {"lost and retried": facts.retried, "failed": facts.failed}
    listed = ", ".join(f"{count} {what}" for what, count in attempts.items() if count)
    if not listed:
        return ""
    return f"; besides these {listed}"


def _score_cells(name: str, score: ScoreFacts) -> tuple[str, ...]:
    spread = ""
    if score.spread is not None:
        spread = f"{score.spread:.4f}"
    folds = " ".join(f"{value:.4f}" for value in score.folds)
    return f"  {name}", f"{score.mean:.4f}", spread, folds


def trial_facts(study: StudyRecord, trial: TrialRecord, about: About | None) -> BestFacts:
    """Collect what is known of a completed trial; ``about`` as in ``best_facts``."""
    epochs, scores = 0, {}
    if trial.best is not None:
        epochs = trial.best.epoch + 1
        for name, folds in trial.best.scores.items():
            spread = None
            if len(folds) > 1:
                spread = stdev(folds)
            mean = trial.best.mean_of(name)
            scores[name] = ScoreFacts(mean=mean, folds=folds, spread=spread)
    params = study.acting(trial.acting or trial.params)
    backbone = str(params.get("backbone", ""))
    weights = {name: kind for name, kind in study.weights.items() if name == backbone}
    return BestFacts(
        study=study.name,
        basis=_basis(study, weights or study.weights),
        trial=trial.number,
        score_name=study.score,
        score=trial.score or 0.0,
        scores=scores,
        test=unseen_facts(study, trial, about),
        ending=_ending(study, trial, about),
        epochs=epochs,
        seconds=trial.seconds,
        params=params,
    )


def _ending(study: StudyRecord, trial: TrialRecord, about: About | None) -> str:
    match about:
        case {"study": {"uuid": study.uuid}, "best": {"trial": int(number)}} if (
            trial == study.named and not study.is_made_in(about)
        ):
            command = f"bcsearch refit {study.option}"
            return f"the model is of {trial_name(number)} alone; '{command}' makes the one chosen"
    if trial.is_in(about):
        match about:
            case {"study": {"uuid": study.uuid}, "ending": {"tried": str(tried), **rest}}:
                return "; ".join(filter(None, [tried, str(rest.get("calibration", ""))]))
    return ""


def unseen_facts(study: StudyRecord, trial: TrialRecord, about: About | None) -> UnseenFacts | None:
    """Return what a description says of the images held out; None where it is not of the trial."""
    if not trial.is_in(about):
        return None
    match about:
        case {
            "study": {"uuid": study.uuid},
            "test": {
                "n_images": int(n_images),
                "accuracy": float(accuracy),
                "macro_f1": float(macro_f1),
            },
        }:
            return UnseenFacts(n_images=n_images, accuracy=accuracy, macro_f1=macro_f1)
    return None
