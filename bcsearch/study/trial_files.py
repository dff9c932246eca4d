"""Finds what is kept of the trials of a study on this machine, and draws it."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import optuna

from bcsearch.artifacts.files import Artifacts
from bcsearch.export.trial_figure import draw_trial, trial_curves
from bcsearch.storage import Ledger, list_studies
from bcsearch.study.places import study_dir

if TYPE_CHECKING:
    from bcsearch.records import StudyRecord
    from bcsearch.storage import Storage


def artifacts_of(study: StudyRecord, base: Path) -> Artifacts:
    """Return the files of a study's trials: those that all workers share, else in ``base``."""
    shared = Path(study.files)
    if study.files and shared.is_dir():
        return Artifacts(shared)
    return Artifacts(study_dir(base, study.name, study.uuid))


class TrialDrawer:
    """Draws the completed trials of all studies of a storage; ``base`` holds the studies' files."""

    def __init__(self, storage: Storage, base: Path) -> None:
        self._storage, self._base = storage, base
        self._lock = Lock()  # matplotlib does not promise to draw in several threads at once

    def __call__(self, uuid: str, number: int) -> bytes | None:
        """Return an SVG file of a trial; None where there is no such trial."""
        for record in list_studies(self._storage):
            if record.uuid == uuid:
                break
        else:
            return None
        study = optuna.load_study(study_name=record.name, storage=self._storage)
        entry = Ledger(self._storage, study).entry_of(number)
        if entry is None or not entry.epochs:
            return None
        artifacts = artifacts_of(record, self._base)
        curves = trial_curves(
            number, entry.state, entry.epochs, artifacts.labels(), artifacts.probabilities(number)
        )
        with self._lock:
            return draw_trial(curves)
