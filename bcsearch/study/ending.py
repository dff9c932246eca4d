"""The end of a study: the best configuration refitted on all images and written as a bundle, once. Imports filelock."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from typing import TYPE_CHECKING, Any

import numpy as np
import tomli_w
from filelock import FileLock

from bcsearch.errors import StudyError
from bcsearch.export.bundle import ABOUT_NAME, Bundle, read_about, write_bundle
from bcsearch.export.evaluate import score_predictions
from bcsearch.paths import make_writable_dir
from bcsearch.report.tables import folds_csv, trials_csv

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import keras

    from bcsearch.records import StudyRecord, TrialRecord
    from bcsearch.storage import LedgerEntry
    from bcsearch.study.desk import Desk
    from bcsearch.study.prepare import Prepared
    from bcsearch.training.trainer import Trainer

PACKAGES = ("bcsearch", "optuna", "tensorflow", "keras", "keras-cv", "numpy", "scikit-learn")


def refit_trial(
    prepared: Prepared, trainer: Trainer, desk: Desk, *, number: int | None = None, check: Callable[[], None]
) -> Path:
    """Train a study's best trial, or trial ``number``, on all images; write the bundle; return its folder.

    Whichever worker comes first does it; others wait, and go on when the bundle stands. ``check`` is called after
    every epoch and may raise to end it.

    Raises:
        StudyError: no trial has completed, or there is no such completed trial.
    """
    study = desk.record()
    trial = _chosen(study, number)
    entry = desk.ledger.entry_of(trial.number)
    if entry is None:
        raise StudyError(f"trial {trial.number} of study {study.name!r} has no ledger entry; choose another --trial")
    bundle_dir = make_writable_dir(desk.folder) / "model"
    with FileLock(desk.folder / ".ending.lock"):
        if number is None and _stands(bundle_dir, study, trial):
            return bundle_dir
        rates = [scores.learning_rate for scores in entry.epochs if scores.epoch <= _best_epoch(entry)]
        model = trainer.refit(entry.params, rates, check)
        about = describe(prepared, study, trial, entry, model)
        files = {ABOUT_NAME: tomli_w.dumps(about), "trials.csv": trials_csv(study), "folds.csv": folds_csv(study)}
        write_bundle(bundle_dir, model, files)
    return bundle_dir


def describe(
    prepared: Prepared, study: StudyRecord, trial: TrialRecord, entry: LedgerEntry, model: keras.Model
) -> dict[str, Any]:
    """Return the content of ``best.toml``."""
    dataset, folds, best = prepared.dataset, prepared.folds, entry.epochs[_best_epoch(entry)]
    about: dict[str, Any] = {
        "study": {"name": study.name, "sweep": study.sweep, "uuid": study.uuid, "trials": study.slots_filled},
        "best": {
            "trial": trial.number,
            "score": best.mean,
            "score_is": prepared.plan.sweep.training.score,
            "fold_scores": list(best.fold_scores),
            "epochs": best.epoch + 1,
        },
        "params": asdict(entry.params),
        "folds": {"kind": folds.kind, "n_folds": folds.n_folds, "seed": folds.seed},
        "model": {"classes": list(dataset.class_names), "image_size": dataset.images.shape[1]},
        "data": {"source": dataset.source, "n_images": dataset.n_images, "drawn": dataset.drawn},
        "weights": {name: str(resolved.kind) for name, resolved in prepared.weights.items()},
        "fingerprint": prepared.fingerprint,
        "versions": {"python": python_version(), **{name: _version(name) for name in PACKAGES}},
    }
    if len(folds.test):
        about["test"] = _test_scores(prepared, Bundle(model=model, about=about))
    return about


def _chosen(study: StudyRecord, number: int | None) -> TrialRecord:
    if number is None:
        if study.best is None:
            raise StudyError(f"study {study.name!r} has no completed trial to refit; run more with 'bcsearch run'")
        return study.best
    completed = {trial.number: trial for trial in study.completed}
    if number not in completed:
        raise StudyError(
            f"trial {number} of study {study.name!r} has not completed; see 'bcsearch status' for those that have"
        )
    return completed[number]


def _stands(bundle_dir: Path, study: StudyRecord, trial: TrialRecord) -> bool:
    about = read_about(bundle_dir)
    if about is None:
        return False
    same_study = about["study"]["uuid"] == study.uuid and about["study"]["trials"] == study.slots_filled
    return bool(same_study and about["best"]["trial"] == trial.number)


def _best_epoch(entry: LedgerEntry) -> int:
    return entry.best.epoch if entry.best else 0


def _test_scores(prepared: Prepared, bundle: Bundle) -> dict[str, Any]:
    rows = prepared.folds.test
    predicted = bundle.predict(prepared.dataset.images[rows]).argmax(axis=1)
    scores = score_predictions(np.asarray(prepared.dataset.labels[rows]), predicted, bundle.class_names)
    return {"n_images": scores.n_images, "accuracy": scores.accuracy, "macro_f1": scores.macro_f1}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
