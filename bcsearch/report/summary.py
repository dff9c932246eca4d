"""A study in a few lines, or as JSON: how far it is, its best trials. Imports errors and records."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import stdev
from typing import TYPE_CHECKING, Any

from bcsearch.errors import StudyError
from bcsearch.records import TrialState

if TYPE_CHECKING:
    from bcsearch.records import StudyRecord, TrialRecord

BEST_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class BestFacts:
    """One completed trial; ``fold_scores`` at its best epoch, ``spread`` their standard deviation."""

    study: str
    trial: int
    score: float
    fold_scores: tuple[float, ...]
    spread: float
    epochs: int
    seconds: float | None
    params: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusFacts:
    """How far a study is; ``states`` counts trials by state, ``best`` holds the best first."""

    study: str
    sweep: str
    trials_wanted: int
    trials_done: int
    states: dict[str, int]
    best: tuple[BestFacts, ...]


def status_facts(study: StudyRecord) -> StatusFacts:
    """Collect the state of a study."""
    ranked = sorted(study.completed, key=lambda trial: (-(trial.score or 0.0), trial.number))
    return StatusFacts(
        study=study.name,
        sweep=study.sweep,
        trials_wanted=study.trials_wanted,
        trials_done=study.slots_filled,
        states={state.value: study.count(state) for state in TrialState if study.count(state)},
        best=tuple(_facts(study, trial) for trial in ranked[:BEST_SHOWN]),
    )


def best_facts(study: StudyRecord) -> BestFacts:
    """Collect what is known of the best trial.

    Raises:
        StudyError: no trial has completed.
    """
    if study.best is None:
        raise StudyError(f"study {study.name!r} has no completed trial yet; run more with 'bcsearch run'")
    return _facts(study, study.best)


def status_text(facts: StatusFacts) -> str:
    """Return the state of a study in lines."""
    states = ", ".join(f"{count} {state}" for state, count in facts.states.items()) or "no trials yet"
    lines = [f"study {facts.study}: {facts.trials_done} of {facts.trials_wanted} trials done ({states})"]
    lines += [f"  trial {best.trial}: {best.score:.4f} {_settings(best.params)}" for best in facts.best]
    return "\n".join(lines)


def best_text(facts: BestFacts) -> str:
    """Return the best trial in lines."""
    folds = ", ".join(f"{score:.4f}" for score in facts.fold_scores)
    lines = [
        f"study {facts.study}, trial {facts.trial}: score {facts.score:.4f} after {facts.epochs} epochs",
        f"  folds: {folds} (standard deviation {facts.spread:.4f})",
    ]
    return "\n".join([*lines, *(f"  {name} = {value}" for name, value in sorted(facts.params.items()))])


def _facts(study: StudyRecord, trial: TrialRecord) -> BestFacts:
    best = trial.best
    scores = best.fold_scores if best else ()
    return BestFacts(
        study=study.name,
        trial=trial.number,
        score=trial.score or 0.0,
        fold_scores=scores,
        spread=stdev(scores) if len(scores) > 1 else 0.0,
        epochs=best.epoch + 1 if best else 0,
        seconds=trial.seconds,
        params=trial.params,
    )


def _settings(params: dict[str, Any]) -> str:
    return " ".join(
        f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value}" for name, value in params.items()
    )
