"""Collects what is kept of a trial's predictions, and the images that they are of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.data.source import load_for_study
from bcsearch.errors import StudyError
from bcsearch.export.diagnose import Predicted, diagnose
from bcsearch.records.choice import LINEAR_HEAD
from bcsearch.scores.table import MIXED
from bcsearch.storage import database_of, find_study, read_study
from bcsearch.study.create import plan_of
from bcsearch.study.ending import completed_trial
from bcsearch.study.trial_files import artifacts_of

if TYPE_CHECKING:
    from bcsearch.config import RunOptions
    from bcsearch.data.dataset import Dataset
    from bcsearch.records.diagnosis import Diagnosis


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Diagnosed:
    """A diagnosis with the images that it is of."""

    diagnosis: Diagnosis
    dataset: Dataset


def diagnose_study(name: str, number: int | None, options: RunOptions) -> Diagnosed:
    """Look where the winner of a study, or trial ``number``, goes wrong.

    Raises:
        StudyError: the study or trial is unknown, its predictions are not kept here, or the images
            are others.
        DataError: the images cannot be read.
    """
    url = database_of(options, name)
    study = read_study(url, find_study(url, name), with_epochs=True)
    trial = completed_trial(study, number, "diagnose")
    artifacts = artifacts_of(study, options.artifacts_dir or options.results_dir)
    labels, repeat = artifacts.labels(), artifacts.repeat(trial.number, 1)
    clean = artifacts.probabilities(trial.number)
    if trial.number == LINEAR_HEAD and repeat is not None:
        clean = repeat[0]
    if labels is None or clean is None:
        raise StudyError(
            f"what trial {trial.number} of study {study.name!r} predicted is not kept in "
            f"{artifacts.folder}; name the folder of its files with --artifacts, or another --trial"
        )
    plan = options.over(plan_of(study))
    dataset = load_for_study(plan.sweep.data, plan.largest_size, plan.sweep.reading)
    if not np.array_equal(dataset.labels, labels.of_images):
        raise StudyError(
            f"{dataset.source}: these are other images or labels than those of study "
            f"{study.name!r}; give the study's own with --data"
        )
    shifted = () if repeat is None or len(repeat) <= len(MIXED) else tuple(repeat[-len(MIXED) :])
    predicted = Predicted(
        labels=labels.of_images, class_names=labels.class_names, clean=clean, shifted=shifted
    )
    found = diagnose(study.name, trial.number, predicted)
    return Diagnosed(diagnosis=found, dataset=dataset)
