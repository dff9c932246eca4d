"""The description of a finished model: the content of ``best.toml``."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from statistics import mean
from typing import TYPE_CHECKING, Any

from bcsearch.config.sweep import OF_PIXELS
from bcsearch.export.bundle import Bundle
from bcsearch.export.evaluate import evaluate, score_predictions
from bcsearch.report.evaluation import unlike_note
from bcsearch.study.endings import calibration_text, ending_text

if TYPE_CHECKING:
    from bcsearch.check.likeness import Likeness
    from bcsearch.records import StudyRecord
    from bcsearch.records.checked import Certificate
    from bcsearch.records.choice import Choice
    from bcsearch.records.ending import Calibration
    from bcsearch.storage import LedgerEntry
    from bcsearch.study.assemble import Prepared
    from bcsearch.study.choosing import Chosen
    from bcsearch.study.making import Made

PACKAGES = ("bcsearch", "optuna", "tensorflow", "keras", "keras-cv", "numpy")


def describe(
    prepared: Prepared,
    study: StudyRecord,
    chosen: Chosen,
    made: Made,
    likeness: Likeness | None = None,
) -> dict[str, Any]:
    """Return the content of ``best.toml``."""
    entry = chosen.winner.entry
    dataset, folds, best = prepared.dataset, prepared.folds, entry.best
    tried = made.tried
    about: dict[str, Any] = {
        "study": study_facts(study),
        "best": {
            "trial": entry.trial_number,
            "score": best.mean,
            "score_is": best.score,
            "scores": best.means,
            "fold_scores": list(best.fold_scores),
            "epochs": best.epoch + 1,
        },
        "params": study.acting(entry.params.acting),
        "members": _member_facts(study, chosen),
        "ending": {
            "averaged_epochs": tried.ending.averaged,
            "test_time_augmentation": list(tried.ending.tta),
            "tried": _tried_text(made),
            **_calibration_facts(tried.calibration),
        },
        "choice": _choice_facts(made.choice),
        "refit_check": {} if made.checked is None else asdict(made.checked),
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
        about["test"] = _test_scores(
            prepared, Bundle(model=made.model, about=about, likeness=likeness)
        )
    return about


def _member_facts(study: StudyRecord, chosen: Chosen) -> dict[str, Any]:
    """Return the configuration of every network of the model, where these are not the winner's."""
    way = None if chosen.choice is None else chosen.choice.way
    if way is None or set(way.trials) == {chosen.winner.trial}:
        return {}
    return {
        f"trial_{number}": study.acting(chosen.candidates[number].entry.params.acting)
        for number in dict.fromkeys(way.trials)
    }


def _tried_text(made: Made) -> str:
    """Say what was tried to end the training, where one network ships."""
    if made.choice is not None and made.choice.ships != "refit":
        return "averaging and augmentation in use are tried only where a refit ships"
    return ending_text(made.tried.ending, made.tried.gains)


def _choice_facts(choice: Choice | None) -> dict[str, Any]:
    """Return what was trained again and what was compared, with the mean of every score."""
    if choice is None:
        return {}
    return {
        "ships": choice.ships,
        "repeats": choice.n_repeats,
        "chance_better_than": {str(number): each for number, each in choice.chances.items()},
        "repeated": [
            {
                "trial": each.trial,
                "search": each.searched,
                **{name: each.mean(name) for name in each.scores},
            }
            for each in choice.repeated
        ],
        "ways": [
            {
                "name": way.name,
                "trials": list(way.trials),
                "milliseconds": way.milliseconds,
                "megabytes": way.megabytes,
                **{name: way.mean(name) for name in way.scores},
            }
            for way in choice.ways
        ],
    }


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


def _preprocessing(prepared: Prepared, entry: LedgerEntry) -> dict[str, dict[str, Any]]:
    """Return the settings of the operations that every image goes through, by name."""
    applied = prepared.trainer.views.preprocessing(entry.params)
    return {op.name: dict(op.settings) for op in applied}


def study_facts(study: StudyRecord) -> dict[str, Any]:
    """Return what tells a study, as far as it has come, from others."""
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
        "unlike": unlike_note(scores.n_images, scores.unlike or ()),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
