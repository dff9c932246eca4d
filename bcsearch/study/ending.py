"""The end of a study: its best configuration refitted on all images, as a bundle, once."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from statistics import mean
from typing import TYPE_CHECKING, Any

import numpy as np

from bcsearch.config.sweep import OF_PIXELS
from bcsearch.data.arrays import digests
from bcsearch.errors import StudyError
from bcsearch.export.about import MODEL_NAME, read_about
from bcsearch.export.bundle import Bundle, write_bundle
from bcsearch.export.evaluate import evaluate, score_predictions
from bcsearch.export.writers import Finished
from bcsearch.paths import locked
from bcsearch.records.events import Notice
from bcsearch.report.summary import unseen_facts, unseen_text
from bcsearch.study.endings import (
    Tried,
    calibrated,
    calibration_text,
    choose_ending,
    ending_text,
    learning_rates,
)
from bcsearch.study.places import made_study_dir
from bcsearch.study.shifted import score_shifted

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bcsearch.records import StudyRecord, TrialRecord
    from bcsearch.records.checked import Certificate
    from bcsearch.records.ending import Calibration
    from bcsearch.records.events import Listener
    from bcsearch.storage import LedgerEntry
    from bcsearch.study.assemble import Prepared
    from bcsearch.study.session import Session

PACKAGES = ("bcsearch", "optuna", "tensorflow", "keras", "keras-cv", "numpy")


def refit_trial(
    prepared: Prepared,
    session: Session,
    check: Callable[[], None],
    listener: Listener,
    *,
    number: int | None = None,
) -> Path:
    """Train a study's best trial, or trial ``number``, on all images; write the bundle.

    Return its folder.

    ``check`` is called after every epoch, and while another process does the same; it may raise to
    end it.

    Raises:
        StudyError: no trial has completed, or there is no such completed trial.
    """
    with _alone(session, check):
        trial = completed_trial(session.record(), number, "refit")
        return _announced(prepared, session, check, listener, trial)


def ensure_refitted(
    prepared: Prepared, session: Session, check: Callable[[], None], listener: Listener
) -> Path:
    """Refit the best trial unless its bundle exists; other processes wait meanwhile."""
    with _alone(session, check):
        study = session.record()
        if _stands(session.bundle_dir, study, prepared):
            return session.bundle_dir
        trial = completed_trial(study, None, "refit")
        return _announced(prepared, session, check, listener, trial)


def _alone(session: Session, check: Callable[[], None]) -> AbstractContextManager[None]:
    folder = made_study_dir(session.results, session.name, session.uuid, "--results")
    return locked(folder / ".refit.lock", check)


def _announced(
    prepared: Prepared,
    session: Session,
    check: Callable[[], None],
    listener: Listener,
    trial: TrialRecord,
) -> Path:
    listener(Notice(text=f"refitting the configuration of trial {trial.number}"))
    return _refit(prepared, session, check, listener, trial)


def _refit(
    prepared: Prepared,
    session: Session,
    check: Callable[[], None],
    listener: Listener,
    trial: TrialRecord,
) -> Path:
    entry = session.ledger.entry_of(trial.number)
    if entry is None:
        raise StudyError(
            f"trial {trial.number} of study {session.name!r} has no ledger entry; "
            "choose another --trial"
        )
    score_shifted(prepared, session, check, listener)
    seconds = prepared.plan.sweep.final.share * session.ledger.search_seconds()
    tried = choose_ending(prepared, entry, seconds, check, listener)
    out_of_fold = session.artifacts.probabilities(trial.number)
    tried = calibrated(tried, prepared.trainer.folds, out_of_fold)
    model = prepared.trainer.refit(entry.params, learning_rates(entry), check, tried.ending)
    study = session.record()
    about = describe(prepared, study, entry, model, tried)
    bundle_dir = session.bundle_dir
    tested = unseen_facts(study, trial, about)
    if tested is not None:
        listener(Notice(text=unseen_text(tested)))
    else:
        about |= _tested_before(bundle_dir, study, trial)
    finished = Finished(
        study=study,
        about=about,
        model=bundle_dir / MODEL_NAME,
        labels=session.artifacts.labels(),
        out_of_fold=out_of_fold,
        trained_on=np.delete(digests(prepared.dataset.images), prepared.folds.apart).tolist(),
    )
    write_bundle(bundle_dir, model, finished)
    return bundle_dir


def describe(
    prepared: Prepared, study: StudyRecord, entry: LedgerEntry, model: Any, tried: Tried
) -> dict[str, Any]:
    """Return the content of ``best.toml``."""
    dataset, folds, best = prepared.dataset, prepared.folds, entry.best
    about: dict[str, Any] = {
        "study": _study_facts(study),
        "best": {
            "trial": entry.trial_number,
            "score": best.mean,
            "score_is": best.score,
            "scores": best.means,
            "fold_scores": list(best.fold_scores),
            "epochs": best.epoch + 1,
        },
        "params": study.acting(entry.params.acting),
        "ending": {
            "averaged_epochs": tried.ending.averaged,
            "test_time_augmentation": list(tried.ending.tta),
            "tried": ending_text(tried.ending, tried.gains),
            **_calibration_facts(tried.calibration),
        },
        "shifted": {f"trial_{number}": mean(folds) for number, folds in study.shifted.items()},
        "preprocessing": _preprocessing(prepared, entry),
        "folds": {"kind": folds.kind, "n_folds": folds.n_folds, "seed": folds.seed},
        "model": {
            "classes": list(dataset.class_names),
            "input_size": dataset.images.shape[1],
            **prepared.plan.sweep.reading.model_dump(include={*OF_PIXELS}, exclude_none=True),
        },
        "data": {
            "source": dataset.source,
            "n_images": dataset.n_images,
            "n_excluded": dataset.n_images - len(dataset.kept),
            "drawn": dataset.drawn,
        },
        "check": _check_facts(prepared.check.certificate),
        "weights": {name: str(resolved.kind) for name, resolved in prepared.weights.items()},
        "fingerprint": prepared.fingerprint,
        "versions": {"python": python_version(), **{name: _version(name) for name in PACKAGES}},
    }
    if dataset.test is not None or len(folds.test):
        about["test"] = _test_scores(prepared, Bundle(model=model, about=about))
    return about


def _calibration_facts(found: Calibration | None) -> dict[str, Any]:
    if found is None:
        return {}
    return {
        "temperature": found.temperature,
        "calibration_error": found.before,
        "calibration_error_at_temperature": found.after,
        "calibration": calibration_text(found),
    }


def _check_facts(said: Certificate) -> dict[str, Any]:
    """Return what was done about the data, and the mean scores of the baselines."""
    facts: dict[str, Any] = {
        "set_aside": dict(said.set_aside),
        "copies_kept_together": said.n_grouped,
        "to_review": said.n_to_review,
        "left_out": list(said.left_out),
    }
    if said.most_alike is not None:
        facts["most_similar_across_folds"] = asdict(said.most_alike)
    if said.baselines:
        facts["seen_by"] = said.seen_by
        facts["baselines"] = {
            each.name.replace(" ", "_"): {name: each.mean(name) for name in each.scores}
            for each in said.baselines
        }
    if said.as_it_came:
        facts["linear_head_as_it_came"] = mean(said.as_it_came)
    return facts


def estimate_refit(session: Session, prepared: Prepared) -> float:
    """Estimate the seconds of the refit of the best trial by the time that its folds took."""
    number = session.progress().best_number
    if number is None:
        return 0.0
    entry = session.ledger.entry_of(number)
    if entry is None:
        return 0.0
    folds = prepared.trainer.folds
    share = len(prepared.dataset.kept) / sum(len(rows) for rows in folds.train_rows)
    epochs = (entry.best.epoch + 1) / len(entry.epochs)
    loading_and_writing = 10.0
    choosing = prepared.plan.sweep.final.share * session.ledger.search_seconds()
    return entry.train_seconds * share * epochs + loading_and_writing + choosing


def _preprocessing(prepared: Prepared, entry: LedgerEntry) -> dict[str, dict[str, Any]]:
    """Return the settings of the operations that every image goes through, by name."""
    applied = prepared.trainer.views.preprocessing(entry.params)
    return {op.name: dict(op.settings) for op in applied}


def completed_trial(study: StudyRecord, number: int | None, to: str) -> TrialRecord:
    """Return a completed trial of a study, by default the best; ``to`` says what for.

    Raises:
        StudyError: none has completed, or there is no such completed trial.
    """
    if study.best is None:
        raise StudyError(f"study {study.name!r} has no completed trial to {to}; {study.remedy}")
    if number is None:
        return study.best
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
    """Whether the bundle is of the study's best trial, and of all trials that the study has now.

    It must also have been tested on what it is to be tested on now.
    """
    about = read_about(bundle_dir)
    if about is None or study.best is None or not (bundle_dir / MODEL_NAME).is_file():
        return False
    test = prepared.dataset.test
    if test is not None and about.get("test", {}).get("source") != test.source:
        return False
    same_study = about.get("study", {}) == _study_facts(study)
    return bool(same_study and study.best.is_in(about))


def _study_facts(study: StudyRecord) -> dict[str, Any]:
    return {
        "name": study.name,
        "sweep": study.sweep,
        "uuid": study.uuid,
        "trials": study.slots_filled,
    }


def _test_scores(prepared: Prepared, bundle: Bundle) -> dict[str, Any]:
    """Return what the model scores on images held out: those given, else those of the folds."""
    dataset, rows = prepared.dataset, prepared.folds.test
    if dataset.test is not None:
        source, scores = dataset.test.source, evaluate(bundle, dataset.test)
    else:
        predicted = bundle.predict(dataset.images[rows]).argmax(axis=1)
        source = dataset.source
        scores = score_predictions(dataset.labels[rows], predicted, bundle.class_names)
    return {
        "source": source,
        "n_images": scores.n_images,
        "accuracy": scores.accuracy,
        "macro_f1": scores.macro_f1,
    }


def _tested_before(bundle_dir: Path, study: StudyRecord, trial: TrialRecord) -> dict[str, Any]:
    """Return what the same model scored on test images that are not given any more."""
    before = read_about(bundle_dir)
    if before is None or before.get("study", {}).get("uuid") != study.uuid:
        return {}
    if not trial.is_in(before) or "test" not in before:
        return {}
    return {"test": before["test"]}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
