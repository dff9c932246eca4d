"""The table of output formats: what a finished study can be written as."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tomli_w
import yaml

from bcsearch.errors import StudyError
from bcsearch.export.about import ABOUT_NAME, MODEL_NAME, TRAINED_ON
from bcsearch.export.likeness import LIKENESS_NAME, write_likeness
from bcsearch.export.tables import folds_csv, trials_csv
from bcsearch.export.trial_figure import draw_trial, trial_curves
from bcsearch.plugins import row_of
from bcsearch.records.choice import LINEAR_HEAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    import numpy as np

    from bcsearch.artifacts.files import Labels
    from bcsearch.check.likeness import Likeness
    from bcsearch.records import StudyRecord


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Finished:
    """A study with its finished model, as writers get it.

    Attributes:
        study: with the epochs of its trials.
        about: the description of the model, the content of ``best.toml``.
        model: the saved ``.keras`` file.
        labels: of all images; None where they are not kept.
        out_of_fold: probabilities of the trial that was refitted, (n_images, n_classes) float16;
            NaN where never validated; None where they are not kept.
        trained_on: a digest of each image that the model was trained on; empty: not kept.
        likeness: what these look like; None: not kept.
    """

    study: StudyRecord
    about: dict[str, Any]
    model: Path
    labels: Labels | None = None
    out_of_fold: np.ndarray | None = None
    trained_on: Sequence[str] = ()
    likeness: Likeness | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """One row: ``write`` puts files into an existing folder and returns their paths.

    ``files`` are patterns of their names, by which a later refit knows them from the user's.
    """

    doc: str
    write: Callable[[Finished, Path], list[Path]]
    files: tuple[str, ...] = ()


def write_all(names: Iterable[str], finished: Finished, folder: Path) -> list[Path]:
    """Write several formats into an existing folder; return the files in the order of the formats.

    Raises:
        ConfigError: a format is unknown.
        OSError: a file cannot be written.
    """
    writers = [writer_of(name) for name in names]
    return [path for writer in writers for path in writer.write(finished, folder)]


def writer_of(name: str) -> Writer:
    """Return the writer of a format, or what another package offers by that name.

    Raises:
        ConfigError: there is none.
    """
    return row_of(WRITERS, name, "bcsearch.formats", what="format")


def _keras(finished: Finished, folder: Path) -> list[Path]:
    path = folder / MODEL_NAME
    if path != finished.model:
        shutil.copyfile(finished.model, path)
    return [path]


def _text(name: str, make: Callable[[dict[str, Any]], str]) -> Callable[..., list[Path]]:
    """Return a writer of the description as one text file."""

    def write(finished: Finished, folder: Path) -> list[Path]:
        path = folder / name
        path.write_text(make(finished.about), encoding="utf-8")
        return [path]

    return write


def _digests(finished: Finished, folder: Path) -> list[Path]:
    if not finished.trained_on:
        raise StudyError(
            "the model was made before digests were kept; make it again with 'bcsearch refit'"
        )
    path = folder / TRAINED_ON
    path.write_text("".join(f"{digest}\n" for digest in sorted(finished.trained_on)), "utf-8")
    return [path]


def _likeness(finished: Finished, folder: Path) -> list[Path]:
    if finished.likeness is None:
        return []  # the model is of an earlier version
    write_likeness(folder / LIKENESS_NAME, finished.likeness)
    return [folder / LIKENESS_NAME]


def _csv(finished: Finished, folder: Path) -> list[Path]:
    texts = {"trials.csv": trials_csv(finished.study), "folds.csv": folds_csv(finished.study)}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def _figures(finished: Finished, folder: Path) -> list[Path]:
    number = finished.about["best"]["trial"]
    if number == LINEAR_HEAD:
        return []  # no trial, so no epochs to draw
    (trial,) = [trial for trial in finished.study.trials if trial.number == number]
    path = folder / f"trial-{number:05d}.svg"
    curves = trial_curves(number, trial.state, trial.epochs, finished.labels, finished.out_of_fold)
    path.write_bytes(draw_trial(curves))
    return [path]


WRITERS = {
    "keras": Writer(
        doc="The model as one Keras file, model.keras.", write=_keras, files=(MODEL_NAME,)
    ),
    "toml": Writer(
        doc="The description as best.toml.",
        write=_text(ABOUT_NAME, tomli_w.dumps),
        files=(ABOUT_NAME,),
    ),
    "yaml": Writer(
        doc="The description as best.yaml.",
        write=_text(
            "best.yaml", lambda about: yaml.safe_dump(about, sort_keys=False, allow_unicode=True)
        ),
        files=("best.yaml",),
    ),
    "json": Writer(
        doc="The description as best.json.",
        write=_text(
            "best.json", lambda about: json.dumps(about, indent=2, ensure_ascii=False) + "\n"
        ),
        files=("best.json",),
    ),
    "csv": Writer(
        doc="All trials and epochs as trials.csv and folds.csv.",
        write=_csv,
        files=("trials.csv", "folds.csv"),
    ),
    "figures": Writer(
        doc="The refitted trial as an SVG file, trial-00012.svg.",
        write=_figures,
        files=("trial-[0-9]*.svg",),
    ),
    "digests": Writer(
        doc=f"A digest of each image that it was trained on as {TRAINED_ON}: evaluate knows them.",
        write=_digests,
        files=(TRAINED_ON,),
    ),
    "likeness": Writer(
        doc=f"What they look like as {LIKENESS_NAME}: evaluate and predict say what is unlike.",
        write=_likeness,
        files=(LIKENESS_NAME,),
    ),
}
BUNDLE = ("keras", "toml", "csv", "figures", "digests", "likeness")  # what a refit writes
