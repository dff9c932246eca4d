"""A study in a few lines, or as JSON: how far it is, its best trials.

Imports errors and records.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import stdev
from typing import TYPE_CHECKING, Any

from bcsearch.errors import StudyError
from bcsearch.records import TrialState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.records import StudyRecord, TrialRecord

    About = Mapping[str, Any]

BEST_SHOWN = 5
REASONS_SHOWN = 3
SLOT_STATES = tuple(state for state in TrialState if state is not TrialState.FAIL)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenFacts:
    """What the refitted model scores, 0 to 1, on the part of the images that nothing was trained or chosen on."""

    n_images: int
    accuracy: float
    macro_f1: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BestFacts:
    """One completed trial; ``fold_scores`` at its best epoch, ``spread`` their standard deviation, None for one fold.

    ``test`` is known where a test part was put aside and the trial is the one that was refitted.
    """

    study: str
    trial: int
    score: float
    fold_scores: tuple[float, ...]
    spread: float | None
    test: UnseenFacts | None
    epochs: int
    seconds: float | None
    params: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Infeasible:
    """A trial that could not be trained, and why."""

    trial: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusFacts:
    """How far a study is; ``best`` holds the best first.

    ``states`` counts the trials that fill a slot of the budget, or will, by state; attempts that
    fill none stand apart: ``retried`` were lost with their worker and queued again, ``failed``
    ended for another reason. ``infeasible`` are the last trials that could not be trained.
    """

    study: str
    sweep: str
    trials_wanted: int
    trials_done: int
    states: dict[str, int]
    retried: int
    failed: int
    infeasible: tuple[Infeasible, ...]
    completed: int
    best: tuple[BestFacts, ...]


def status_facts(study: StudyRecord, about: About | None = None) -> StatusFacts:
    """Collect the state of a study.

    ``about`` is what its bundle says of itself, where there is one.
    """
    retried = len(study.retried)
    return StatusFacts(
        study=study.name,
        sweep=study.sweep,
        trials_wanted=study.trials_wanted,
        trials_done=study.slots_filled,
        states={state.value: study.count(state) for state in SLOT_STATES if study.count(state)},
        retried=retried,
        failed=study.count(TrialState.FAIL) - retried,
        infeasible=tuple(
            Infeasible(trial=trial.number, reason=trial.note)
            for trial in study.infeasible[-REASONS_SHOWN:]
        ),
        completed=len(study.completed),
        best=tuple(_facts(study, trial, about) for trial in study.ranked[:BEST_SHOWN]),
    )


def best_facts(study: StudyRecord, about: About | None = None) -> BestFacts:
    """Collect what is known of the best trial; ``about`` is what the study's bundle says of itself.

    Raises:
        StudyError: no trial has completed.
    """
    if study.best is None:
        raise StudyError(f"study {study.name!r} has no completed trial; {study.remedy}")
    return _facts(study, study.best, about)


def status_text(facts: StatusFacts) -> str:
    """Return the state of a study in lines."""
    states = (
        ", ".join(f"{count} {state}" for state, count in facts.states.items()) or "no trials yet"
    )
    attempts = {"lost and retried": facts.retried, "failed": facts.failed}
    apart = ", ".join(f"{count} {what}" for what, count in attempts.items() if count)
    besides = f"; besides these {apart}" if apart else ""
    lines = [
        f"study {facts.study}: {facts.trials_done} of {facts.trials_wanted} trials done ({states}{besides})"
    ]
    if facts.completed > len(facts.best):
        lines.append(f"  the best {len(facts.best)} of {facts.completed} that completed:")
    lines += [
        f"  trial {best.trial}: {best.score:.4f} {_settings(best.params)}" for best in facts.best
    ]
    lines += [
        f"  trial {each.trial} could not be trained: {each.reason}" for each in facts.infeasible
    ]
    return "\n".join(lines)


def best_text(facts: BestFacts) -> str:
    """Return the best trial in lines."""
    lines = [
        f"study {facts.study}, trial {facts.trial}: score {facts.score:.4f} after {facts.epochs} epochs"
    ]
    if facts.spread is not None:  # a single split's only score stands above
        folds = ", ".join(f"{score:.4f}" for score in facts.fold_scores)
        lines.append(f"  folds: {folds} (standard deviation {facts.spread:.4f})")
    if facts.test is not None:
        shares = f"accuracy {facts.test.accuracy:.4f}, macro F1 {facts.test.macro_f1:.4f}"
        lines.append(
            f"  test part, {facts.test.n_images} images never trained or chosen on: {shares}"
        )
    return "\n".join(
        [*lines, *(f"  {name} = {value}" for name, value in sorted(facts.params.items()))]
    )


def _facts(study: StudyRecord, trial: TrialRecord, about: About | None) -> BestFacts:
    best = trial.best
    scores = best.fold_scores if best else ()
    return BestFacts(
        study=study.name,
        trial=trial.number,
        score=trial.score or 0.0,
        fold_scores=scores,
        spread=stdev(scores) if len(scores) > 1 else None,
        test=_test_facts(study, trial, about),
        epochs=best.epoch + 1 if best else 0,
        seconds=trial.seconds,
        params=trial.params,
    )


def _test_facts(study: StudyRecord, trial: TrialRecord, about: About | None) -> UnseenFacts | None:
    match about:
        case {
            "study": {"uuid": study.uuid},
            "test": {
                "n_images": int(n_images),
                "accuracy": float(accuracy),
                "macro_f1": float(macro_f1),
            },
        } if trial.is_in(about):
            return UnseenFacts(n_images=n_images, accuracy=accuracy, macro_f1=macro_f1)
    return None


def _settings(params: dict[str, Any]) -> str:
    shown = {
        name: f"{value:.3g}" if isinstance(value, float) else value
        for name, value in sorted(params.items())
    }
    return " ".join(f"{name}={value}" for name, value in shown.items())
