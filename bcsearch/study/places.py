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
    among this machine's results.

    Raises:
        DiskError: the folder cannot be made or written.
    """
    first = study.user_attrs.get(attrs.FILES)
    if options.artifacts_dir is not None:
        folder = options.artifacts_dir.absolute() / study.study_name
    elif first is not None and _is_marked(Path(first), study):
        folder = Path(first)
    else:
        folder = options.results_dir.absolute() / study.study_name
    make_writable_dir(folder)
    if first is None:
        with replacing(folder / MARK) as draft:
            draft.write_text(study.user_attrs[attrs.UUID], encoding="utf-8")
        study.set_user_attr(attrs.FILES, str(folder))
    _tell(study, SHARED if _is_marked(folder, study) else str(folder))
    return folder


def _is_marked(folder: Path, study: optuna.Study) -> bool:
    mark = folder / MARK
    return mark.is_file() and mark.read_text(encoding="utf-8") == study.user_attrs[attrs.UUID]


def _tell(study: optuna.Study, place: str) -> None:
    key = attrs.FILES_OF.format(socket.gethostname())
    if study.user_attrs.get(key) != place:
        study.set_user_attr(key, place)
