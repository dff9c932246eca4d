"""A finished study written to a folder of the user's, in the formats that were asked for."""

from __future__ import annotations

import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from bcsearch.errors import ConfigError, DiskError, StudyError
from bcsearch.export.about import MODEL_NAME, read_about, read_trained_on
from bcsearch.export.likeness import read_likeness
from bcsearch.export.writers import Finished, write_all, writer_of
from bcsearch.records.choice import trial_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bcsearch.artifacts.files import Artifacts
    from bcsearch.records import StudyRecord

DRAFT = ".bcsearch-draft"  # a folder that is being written; a killed process leaves it behind


def hand_over(
    study: StudyRecord,
    bundle_dir: Path,
    target: Path,
    refit: str,
    formats: Sequence[str],
    artifacts: Artifacts | None = None,
) -> list[Path]:
    """Write a study's best trial, refitted, in several formats; return the files.

    ``target`` is made, or is an empty folder; it holds all files in the end, or stays as it was.

    Args:
        study: with the epochs of its trials, for the formats that need them.
        bundle_dir: the folder of its finished model.
        target: where to write.
        refit: the command that makes the bundle, for messages.
        formats: names of rows of ``WRITERS``.
        artifacts: the files of its trials, for the figure's confusion matrix.

    Raises:
        StudyError: the bundle in ``bundle_dir`` is not of the study's best trial, or there is none.
        ConfigError: a format is unknown, or ``target`` is not empty or no folder.
        DiskError: there is no room or no permission.
    """
    try:
        for name in formats:
            writer_of(name)
    except ConfigError as error:
        raise ConfigError(f"--as: {error}") from error
    about = _about_best(study, bundle_dir, refit)
    labels, out_of_fold = None, None
    if artifacts is not None:
        labels = artifacts.labels()
        out_of_fold = artifacts.probabilities(about["best"]["trial"])
    finished = Finished(
        study=study,
        about=about,
        model=bundle_dir / MODEL_NAME,
        labels=labels,
        out_of_fold=out_of_fold,
        trained_on=sorted(read_trained_on(bundle_dir)),
        likeness=read_likeness(bundle_dir),
    )
    with _filling(target) as draft:
        written = write_all(formats, finished, draft)
        if read_about(bundle_dir) != about:
            raise StudyError(
                f"the model of study {study.name!r} was replaced just now; "
                "run the same command again"
            )
    return [target / path.name for path in written]


def _about_best(study: StudyRecord, bundle_dir: Path, refit: str) -> dict[str, Any]:
    """Return the description of the bundle that holds the study's winner."""
    if study.named is None:
        raise StudyError(f"study {study.name!r} has no completed trial; {study.remedy}")
    about = read_about(bundle_dir)
    remedy = f"make it with '{refit}'"
    if about is None or not (bundle_dir / MODEL_NAME).is_file():
        raise StudyError(f"study {study.name!r} has no finished model in {bundle_dir}; {remedy}")
    if about.get("study", {}).get("uuid") != study.uuid:
        raise StudyError(
            f"the model in {bundle_dir} is of another study than {study.name!r}; {remedy}"
        )
    if study.named.is_in(about) and not study.is_made_in(about):
        raise StudyError(
            f"the model in {bundle_dir} was made in another way than study {study.name!r} chose; "
            f"{remedy}"
        )
    if not study.named.is_in(about):
        found = about.get("best", {})
        raise StudyError(
            f"the model in {bundle_dir} is of trial {found.get('trial')} with {study.score} "
            f"{found.get('score')}, the winner of study {study.name!r} is "
            f"{trial_name(study.named.number)} with {study.score} {study.named.score}; {remedy}"
        )
    return about


@contextmanager
def _filling(target: Path) -> Iterator[Path]:
    """Yield a folder whose files are moved to ``target`` only if the block succeeds."""
    was_there = _is_empty_dir(target)
    draft = target / DRAFT
    moved: list[Path] = []
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        yield draft
        for path in sorted(draft.iterdir()):
            moved.append(path.replace(target / path.name))
        draft.rmdir()
    except BaseException as error:
        _undo(target, moved, was_there=was_there)
        if isinstance(error, OSError):
            raise DiskError(f"cannot export to {target}: {error.strerror or error}") from error
        raise


def _is_empty_dir(target: Path) -> bool:
    """Whether an empty folder is there; False where nothing is."""
    try:
        if {path.name for path in target.iterdir()} <= {DRAFT}:
            return True
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConfigError(
            f"--to: {target} cannot be used ({error.strerror}); choose a new folder"
        ) from error
    raise ConfigError(f"--to: folder {target} is not empty; choose a new one")


def _undo(target: Path, moved: list[Path], *, was_there: bool) -> None:
    shutil.rmtree(target / DRAFT, ignore_errors=True)
    for path in moved:
        path.unlink(missing_ok=True)
    if not was_there:
        with suppress(OSError):  # it was never made, or somebody else has put something there
            target.rmdir()
