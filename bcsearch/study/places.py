"""Where the files of a study's trials lie: in one folder that all workers reach, or in each machine's own."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

from bcsearch.paths import make_writable_dir, replacing
from bcsearch.storage import attrs

if TYPE_CHECKING:
    import optuna

    from bcsearch.study.options import RunOptions

SHARED = "shared"  # what a machine tells that reaches the folder of the first worker
MARK = ".study"  # holds the uuid of the study: a folder of the same path on another machine does not


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
    folder = _own(options.artifacts_dir or options.results_dir, study)
    is_marked = _mark(folder) is not None
    make_writable_dir(folder)
    if not is_marked and (first is None or options.artifacts_dir is not None):
        with replacing(folder / MARK) as draft:
            draft.write_text(study.user_attrs[attrs.UUID], encoding="utf-8")
        study.set_user_attr(attrs.FILES, str(folder))
    return _told(study, folder, SHARED if _mark(folder) is not None else str(folder))


def _own(base: Path, study: optuna.Study) -> Path:
    """Return the study's folder in ``base``, under a name of its own where another study has the first choice."""
    folder: Path = base.absolute() / study.study_name
    uuid: str = study.user_attrs[attrs.UUID]
    return folder if _mark(folder) in (None, uuid) else folder.with_name(f"{study.study_name}-{uuid[:8]}")


def _mark(folder: Path) -> str | None:
    """Return the uuid of the study whose files a folder holds; None where none is named."""
    mark = folder / MARK
    return mark.read_text(encoding="utf-8") if mark.is_file() else None


def _told(study: optuna.Study, folder: Path, place: str) -> Path:
    """Let the study know of a machine that does not reach the files of others, or now does."""
    key = attrs.FILES_OF.format(socket.gethostname())
    if study.user_attrs.get(key, SHARED) != place:
        study.set_user_attr(key, place)
    return folder
