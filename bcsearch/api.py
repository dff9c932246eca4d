"""The same from Python as from the command line: run, refit, read, evaluate."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

from bcsearch.config import RunOptions
from bcsearch.data import load_images
from bcsearch.errors import StudyError
from bcsearch.export.bundle import Bundle, read_bundle
from bcsearch.export.evaluate import evaluate as _evaluate
from bcsearch.paths import path_text
from bcsearch.records.evaluation import Evaluation
from bcsearch.records.events import Listener, ignore
from bcsearch.storage import database_of, find_study
from bcsearch.storage import read_study as _read_study
from bcsearch.study.run import RunResult
from bcsearch.study.run import refit as _refit
from bcsearch.study.run import run as _run

if TYPE_CHECKING:
    from pathlib import Path

    from bcsearch.records import StudyRecord

__all__ = [
    "Bundle",
    "Evaluation",
    "RunOptions",
    "RunResult",
    "evaluate",
    "read_bundle",
    "read_study",
    "refit",
    "run",
]


def run(sweep: str, options: RunOptions | None = None, listener: Listener = ignore) -> RunResult:
    """Create or continue the study of a sweep, use up its budget, refit the best trial.

    Call it in the main thread, as it listens for Ctrl-C, and in a script under ``if __name__ ==
    "__main__":``, as it may start processes, which read the script anew.

    Raises:
        BcsearchError: something that the user can fix.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise StudyError(
            "bcsearch.run was called while a process starts; "
            "put it under: if __name__ == '__main__':"
        )
    return _run(sweep, options or RunOptions(), listener)


def refit(
    study: str,
    trial: int | None = None,
    options: RunOptions | None = None,
    listener: Listener = ignore,
) -> Path:
    """Train the best trial of a study, or trial ``trial``, on all images.

    Return the folder of the model.

    Raises:
        BcsearchError: the study is unknown, its data has changed, or no such trial completed.
    """
    return _refit(study, trial, options or RunOptions(), listener)


def read_study(name: str, options: RunOptions | None = None) -> StudyRecord:
    """Read the newest study of a sweep, or the study called ``name``, with all epochs.

    Raises:
        StudyError: there is none.
    """
    url = database_of(options or RunOptions(), name)
    return _read_study(url, find_study(url, name), with_epochs=True)


def evaluate(model: str | Path, data: str | Path) -> Evaluation:
    """Score a finished model, given by its folder, on labelled images.

    Raises:
        DataError: there is no model, or the images cannot be used.
    """
    bundle = read_bundle(model)
    return _evaluate(bundle, load_images(path_text(data), bundle.input_size, bundle.reading))
