"""Where a study's files lie: its model, and what its trials leave."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bcsearch.export.about import read_about
from bcsearch.paths import PROBE, check_name, is_draft, make_writable_dir, replacing
from bcsearch.storage import attrs

if TYPE_CHECKING:
    import optuna

    from bcsearch.config import RunOptions

SHARED = "shared"  # what a machine tells that reaches the folder of the first worker
MODEL = "model"  # the folder in a study's that holds its finished model
MARK = ".study"  # in the folder that all machines share
OWNER = ".owner"  # in a folder that a machine has for itself


class Mark(NamedTuple):
    """What a folder says of itself: its study, and the path under which it was chosen.

    A disk may be mounted elsewhere on other machines, and an earlier folder of the study keeps its
    mark.
    """

    uuid: str
    place: str

    def is_of(self, uuid: str, shared: str) -> bool:
        """Whether the folder is the one that a study's machines share.

        A mark of old tells no path.
        """
        return self.uuid == uuid and self.place in (shared, "")


def files_dir(study: optuna.Study, options: RunOptions, *, may_move: bool = False) -> Path:
    """Return the folder of a study's files on this machine, and tell the study which it is.

    It is in what ``--artifacts`` says, else where the first worker put them if that can be reached
    from here, else among this machine's results. A folder that holds the files of another study of
    the same name is left alone.

    ``may_move`` lets ``--artifacts`` name another folder for all workers than the study has;
    without it, and where the folder of that path is another disk's, it is for this machine alone.

    Raises:
        DiskError: the folder cannot be made or written.
    """
    uuid: str = study.user_attrs[attrs.UUID]
    shared: str | None = study.user_attrs.get(attrs.FILES)
    if (
        options.artifacts_dir is None
        and shared is not None
        and _is_shared(Path(shared), uuid, shared)
    ):
        return _told(study, Path(shared), SHARED)
    base = (options.artifacts_dir or options.results_dir).absolute()
    folder = study_dir(base, study.study_name, uuid)
    make_writable_dir(
        folder, "--artifacts" if options.artifacts_dir else "--artifacts or --results"
    )
    moves = may_move and options.artifacts_dir is not None and shared != str(folder)
    if shared is None or (moves and not _is_shared(folder, uuid, shared)):
        shared = str(folder)
        _write(folder / MARK, Mark(uuid, shared))
        study.set_user_attr(attrs.FILES, shared)
    if _is_shared(folder, uuid, shared):
        return _told(study, folder, SHARED)
    _write(folder / OWNER, Mark(uuid, str(folder)))
    return _told(study, folder, str(folder))


def study_dir(base: Path, name: str, uuid: str) -> Path:
    """Return a study's folder in ``base``.

    One with the uuid in its name where that holds anything without a mark of this study: files of
    the user's, or of another study of that name.

    Raises:
        ConfigError: the name would lead elsewhere.
    """
    folder = base / check_name(name)
    marks = (_mark(folder, name) for name in (MARK, OWNER))
    about = read_about(folder / MODEL) or {}
    owners = {mark.uuid for mark in marks if mark} | {about.get("study", {}).get("uuid")}
    owners -= {None}
    is_ours = owners == {uuid} or (not owners and _is_vacant(folder))
    return folder if is_ours else folder.with_name(f"{name}-{uuid[:8]}")


def made_study_dir(base: Path, name: str, uuid: str, option: str) -> Path:
    """Make a study's folder in ``base``, with a mark that tells whose it is.

    ``option`` chooses another.

    Raises:
        DiskError: the folder cannot be made or written.
    """
    folder = make_writable_dir(study_dir(base, name, uuid), option)
    if not any(_mark(folder, name) for name in (MARK, OWNER)):
        _write(folder / OWNER, Mark(uuid, str(folder.absolute())))
    return folder


def is_there(folder: Path) -> bool:
    """Whether the folder of a study's files is the one that was marked: not made anew since."""
    return any((folder / name).exists() for name in (MARK, OWNER))


def bundle_dir(results: Path, name: str, uuid: str) -> Path:
    """Return the folder of a study's finished model."""
    return study_dir(results, name, uuid) / MODEL


def _is_vacant(folder: Path) -> bool:
    """Whether a folder is not there, or holds nothing but what marking it leaves."""
    try:
        left = [path for path in folder.iterdir() if path.name not in (MARK, OWNER)]
        return all(path.name.startswith(PROBE) or is_draft(path) for path in left)
    except FileNotFoundError:
        return True
    except OSError:  # a file, or a folder that may not be read
        return False


def _write(path: Path, mark: Mark) -> None:
    with replacing(path) as draft:
        draft.write_text("\n".join(mark), encoding="utf-8")


def _is_shared(folder: Path, uuid: str, shared: str) -> bool:
    mark = _mark(folder)
    return mark is not None and mark.is_of(uuid, shared)


def _mark(folder: Path, name: str = MARK) -> Mark | None:
    """Return the mark in a folder; None where there is none that can be read from here."""
    try:
        uuid, _, place = (folder / name).read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    return Mark(uuid, place) if uuid else None


def _told(study: optuna.Study, folder: Path, place: str) -> Path:
    """Let the study know of a machine that does not reach the files of others, or now does."""
    key = attrs.FILES_OF.format(socket.gethostname())
    if study.user_attrs.get(key, SHARED) != place:
        study.set_user_attr(key, place)
    return folder
