"""Where a study's files lie: its model, and those of its trials, which all workers reach or each machine has alone."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

from bcsearch.export.about import read_about
from bcsearch.paths import make_writable_dir, replacing
from bcsearch.storage import attrs

if TYPE_CHECKING:
    import optuna

    from bcsearch.study.options import RunOptions

SHARED = "shared"  # what a machine tells that reaches the folder of the first worker
MODEL = "model"  # the folder in a study's that holds its finished model
MARK = ".study"  # holds the uuid of the study: a folder of the same path on another machine does not
OWNER = ".owner"  # holds it in a folder that a machine has for itself


def files_dir(study: optuna.Study, options: RunOptions) -> Path:
    """Return the folder of a study's files on this machine, and tell the study which it is.

    It is in what ``--artifacts`` says, else where the first worker put them if that can be reached from here, else
    among this machine's results. A folder that holds the files of another study of the same name is left alone.

    Raises:
        DiskError: the folder cannot be made or written.
    """
    first = study.user_attrs.get(attrs.FILES)
    if options.artifacts_dir is None and first is not None and _mark(Path(first)) == study.user_attrs[attrs.UUID]:
        return _told(study, Path(first), SHARED)
    base = (options.artifacts_dir or options.results_dir).absolute()
    folder = study_dir(base, study.study_name, study.user_attrs[attrs.UUID])
    is_marked = _mark(folder) is not None
    make_writable_dir(folder, "--artifacts" if options.artifacts_dir else "--artifacts or --results")
    if not is_marked and (first is None or options.artifacts_dir is not None):
        _write_mark(folder / MARK, study)
        study.set_user_attr(attrs.FILES, str(folder))
    elif not is_marked:
        _write_mark(folder / OWNER, study)
    return _told(study, folder, SHARED if _mark(folder) is not None else str(folder))


def study_dir(base: Path, name: str, uuid: str) -> Path:
    """Return a study's folder in ``base``; one with the uuid in its name where another of that name has files there."""
    folder = base / name
    owners = {_mark(folder), _mark(folder, OWNER), (read_about(folder / MODEL) or {}).get("study", {}).get("uuid")}
    return folder if owners <= {None, uuid} else folder.with_name(f"{name}-{uuid[:8]}")


def bundle_dir(results: Path, name: str, uuid: str) -> Path:
    """Return the folder of a study's finished model."""
    return study_dir(results, name, uuid) / MODEL


def _write_mark(path: Path, study: optuna.Study) -> None:
    with replacing(path) as draft:
        draft.write_text(study.user_attrs[attrs.UUID], encoding="utf-8")


def _mark(folder: Path, name: str = MARK) -> str | None:
    """Return the uuid of the study whose files a folder holds; None where none is named."""
    mark = folder / name
    return mark.read_text(encoding="utf-8") if mark.is_file() else None


def _told(study: optuna.Study, folder: Path, place: str) -> Path:
    """Let the study know of a machine that does not reach the files of others, or now does."""
    key = attrs.FILES_OF.format(socket.gethostname())
    if study.user_attrs.get(key, SHARED) != place:
        study.set_user_attr(key, place)
    return folder
