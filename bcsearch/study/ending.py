"""The end of a study: its winner's model made of all images, as a bundle, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bcsearch.check.likeness import Likeness
from bcsearch.data.arrays import digests
from bcsearch.errors import StudyError, listed
from bcsearch.export.about import MODEL_NAME, read_about
from bcsearch.export.bundle import Bundle, write_bundle
from bcsearch.export.writers import Finished
from bcsearch.paths import locked
from bcsearch.records.choice import LINEAR_HEAD, ships_in, trial_name
from bcsearch.records.events import Notice
from bcsearch.report.summary import unseen_facts, unseen_text
from bcsearch.seeds import derive_seed
from bcsearch.study.choosing import Chooser
from bcsearch.study.describing import describe, study_facts
from bcsearch.study.making import Maker
from bcsearch.study.places import made_study_dir

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bcsearch.records import StudyRecord, TrialRecord
    from bcsearch.records.events import Listener
    from bcsearch.study.assemble import Prepared
    from bcsearch.study.choosing import Chosen
    from bcsearch.study.making import Made
    from bcsearch.study.session import Session

LOADING_SECONDS = 10.0  # of loading and writing a model
MOST_CHOOSING_SECONDS = 120.0  # that trying ways to end a training is expected to take


def refit_trial(
    prepared: Prepared,
    session: Session,
    check: Callable[[], None],
    listener: Listener,
    *,
    number: int | None = None,
    accept: bool = False,
) -> Path:
    """Make the model of a study's winner, or of trial ``number``; write the bundle.

    Return its folder.

    ``check`` is called after every epoch, and while another process does the same; it may raise to
    end it. ``accept`` keeps a model that does worse than its folds.

    Raises:
        StudyError: no trial has completed, there is no such completed trial, or the model does
            worse than its folds.
    """
    with _alone(session, check):
        completed_trial(session.record(), number, "refit")
        return _refit(prepared, session, check, listener, number, accept=accept)


def ensure_refitted(
    prepared: Prepared,
    session: Session,
    check: Callable[[], None],
    listener: Listener,
    *,
    accept: bool = False,
) -> Path:
    """Make the winner's model unless its bundle exists; other processes wait meanwhile.

    ``accept`` as in ``refit_trial``.

    Raises:
        StudyError: no trial has completed, or the model does worse than its folds.
    """
    with _alone(session, check):
        study = session.record()
        if _stands(session.bundle_dir, study, prepared):
            return session.bundle_dir
        completed_trial(study, None, "refit")
        return _refit(prepared, session, check, listener, None, accept=accept)


def _alone(session: Session, check: Callable[[], None]) -> AbstractContextManager[None]:
    folder = made_study_dir(session.results, session.name, session.uuid, "--results")
    return locked(folder / ".refit.lock", check)


def _refit(
    prepared: Prepared,
    session: Session,
    check: Callable[[], None],
    listener: Listener,
    number: int | None,
    *,
    accept: bool = False,
) -> Path:
    chooser = Chooser(prepared=prepared, session=session, check=check, listener=listener)
    chosen = chooser.choose(session.record()) if number is None else chooser.alone(number)
    winner = chosen.winner.trial
    listener(Notice(text=_what_is_made(chosen)))
    maker = Maker(prepared=prepared, session=session, check=check, listener=listener, accept=accept)
    made = maker.make(chosen)
    study = session.record()
    trial = completed_trial(study, None if winner == LINEAR_HEAD else winner, "refit")
    likeness = _likeness(prepared, made)
    about = describe(prepared, study, chosen, made, likeness)
    bundle_dir = session.bundle_dir
    tested = unseen_facts(study, trial, about)
    if tested is not None:
        listener(Notice(text=unseen_text(tested)))
        if about["test"]["unlike"]:
            listener(Notice(text=about["test"]["unlike"]))
    else:
        about = _tested_before(bundle_dir, study, trial, about) | about
    finished = Finished(
        study=study,
        about=about,
        model=bundle_dir / MODEL_NAME,
        labels=session.artifacts.labels(),
        out_of_fold=session.artifacts.probabilities(winner),
        trained_on=np.delete(digests(prepared.dataset.images), prepared.folds.apart).tolist(),
        likeness=likeness,
    )
    write_bundle(bundle_dir, made.model, finished)
    return bundle_dir


def _what_is_made(chosen: Chosen) -> str:
    """Say what is trained now."""
    way = None if chosen.choice is None else chosen.choice.way
    if way is None or way.name == "refit":
        return f"refitting the configuration of {trial_name(chosen.winner.trial)}"
    members = listed([trial_name(number) for number in dict.fromkeys(way.trials)])
    return f"making the {way.name} of {members}"


def _likeness(prepared: Prepared, made: Made) -> Likeness:
    """Measure what the images look like that a model was trained on."""
    dataset = prepared.dataset
    rows = np.setdiff1d(np.arange(dataset.n_images), prepared.folds.apart)
    seed = derive_seed(prepared.plan.sweep.training.seed, "likeness")
    bundle = Bundle(model=made.model, about={})
    return Likeness.of(dataset.images[rows], dataset.labels[rows], bundle.features, seed)


def estimate_refit(session: Session, prepared: Prepared) -> float:
    """Estimate the seconds of a study's end by the time that the folds of its best trial took.

    It trains candidates again, then the folds and the refit of each member of a committee.
    """
    number = session.progress().best_number
    if number is None:
        return 0.0
    entry = session.ledger.entry_of(number)
    if entry is None:
        return 0.0
    final, searched = prepared.plan.sweep.final, session.ledger.search_seconds()
    folds = prepared.trainer.folds
    share = len(prepared.dataset.kept) / sum(len(rows) for rows in folds.train_rows)
    training = entry.train_seconds * (entry.best.epoch + 1) / len(entry.epochs)
    n_again = final.repeats * (final.candidates + final.committee + 2)
    spent = sum(session.ledger.repeats().values())
    again = min(n_again * training, max(0.0, final.repeat_share * searched - spent))
    members = 1 + final.committee * (again > 0)
    choosing = min(final.share * searched, MOST_CHOOSING_SECONDS)
    return members * training * (1 + share) + again + choosing + LOADING_SECONDS


def completed_trial(study: StudyRecord, number: int | None, to: str) -> TrialRecord:
    """Return a completed trial of a study, by default the winner; ``to`` says what for.

    Raises:
        StudyError: none has completed, or there is no such completed trial.
    """
    if study.named is None:
        raise StudyError(f"study {study.name!r} has no completed trial to {to}; {study.remedy}")
    if number is None:
        return study.named
    completed = {trial.number: trial for trial in study.completed}
    if number in completed:
        return completed[number]
    states = {trial.number: trial.state.value for trial in study.trials}
    reason = (
        f"its state is {states[number]}"
        if number in states
        else f"the study has trials 0 to {max(states)}"
    )
    raise StudyError(
        f"--trial: came {number}, {reason}; allowed: a complete trial; "
        f"'bcsearch status {study.option}' lists the best"
    )


def _stands(bundle_dir: Path, study: StudyRecord, prepared: Prepared) -> bool:
    """Whether the bundle is of the study's winner, and of all trials that the study has now.

    It must also have been tested on what it is to be tested on now.
    """
    about = read_about(bundle_dir)
    if about is None or study.named is None or not (bundle_dir / MODEL_NAME).is_file():
        return False
    test = prepared.dataset.test
    if test is not None and about.get("test", {}).get("source") != test.source:
        return False
    same_study = about.get("study", {}) == study_facts(study)
    return bool(same_study and study.is_made_in(about))


def _tested_before(
    bundle_dir: Path, study: StudyRecord, trial: TrialRecord, about: dict[str, Any]
) -> dict[str, Any]:
    """Return what the same model scored on test images that are not given any more."""
    before = read_about(bundle_dir)
    if before is None or before.get("study", {}).get("uuid") != study.uuid:
        return {}
    if not trial.is_in(before) or "test" not in before or ships_in(before) != ships_in(about):
        return {}
    return {"test": before["test"]}
