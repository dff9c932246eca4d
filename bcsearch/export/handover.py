"""A finished study's configuration and model written to a folder of the user's.

Imports yaml, records, paths.
"""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import tomli_w
import yaml

from bcsearch.errors import ConfigError, DiskError, StudyError
from bcsearch.export.about import MODEL_NAME, read_about

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bcsearch.records import StudyRecord

DRAFT = ".bcsearch-draft"  # of a folder that is being written; left behind by a killed process, it does no harm


def hand_over(study: StudyRecord, bundle_dir: Path, target: Path, refit: str) -> list[Path]:
    """Write ``best.toml``, ``.yaml`` and ``.json``, of the same content, and the model.

    Return the files.

    ``target`` is made, or is an empty folder; it holds all of them in the end, or stays as it was.
    ``refit`` is the command that makes the bundle.

    Raises:
        StudyError: the bundle in ``bundle_dir`` is not of the study's best trial, or there is none.
        ConfigError: ``target`` is not empty, or no folder.
        DiskError: there is no room or no permission.
    """
    about = _about_best(study, bundle_dir, refit)
    texts = {
        "best.toml": tomli_w.dumps(about),
        "best.yaml": yaml.safe_dump(about, sort_keys=False, allow_unicode=True),
        "best.json": json.dumps(about, indent=2, ensure_ascii=False) + "\n",
    }
    with _filling(target) as draft:
        shutil.copyfile(bundle_dir / MODEL_NAME, draft / MODEL_NAME)
        for name, text in texts.items():
            (draft / name).write_text(text, encoding="utf-8")
        if read_about(bundle_dir) != about:
            raise StudyError(
                f"the model of study {study.name!r} was replaced just now; type the same again"
            )
    return [target / name for name in (MODEL_NAME, *texts)]


def _about_best(study: StudyRecord, bundle_dir: Path, refit: str) -> dict[str, Any]:
    """Return the description of the bundle that holds the study's best trial."""
    if study.best is None:
        raise StudyError(f"study {study.name!r} has no completed trial; {study.remedy}")
    about = read_about(bundle_dir)
    remedy = f"make it with '{refit}'"
    if about is None or not (bundle_dir / MODEL_NAME).is_file():
        raise StudyError(f"study {study.name!r} has no finished model in {bundle_dir}; {remedy}")
    if about.get("study", {}).get("uuid") != study.uuid:
        raise StudyError(
            f"the model in {bundle_dir} is of another study than {study.name!r}; {remedy}"
        )
    if not study.best.is_in(about):
        has = about.get("best", {})
        raise StudyError(
            f"the model in {bundle_dir} is of trial {has.get('trial')} with score {has.get('score')}, the best trial "
            f"of study {study.name!r} is {study.best.number} with score {study.best.score}; {remedy}"
        )
    return about


@contextmanager
def _filling(target: Path) -> Iterator[Path]:
    """Yield a folder whose files are moved to ``target`` if the block succeeds.

    Otherwise nothing stays.
    """
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
