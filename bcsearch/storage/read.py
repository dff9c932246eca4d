"""Studies read back as records by plain SQL, in a few queries. Imports sqlalchemy, optuna.

Optuna's ``get_trials`` builds an object for every value of every trial: a minute at 50,000 trials.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, replace
from json import loads
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from bcsearch.errors import StudyError, unknown
from bcsearch.records import StudyRecord
from bcsearch.storage import attrs
from bcsearch.storage.engine import holds_optuna
from bcsearch.storage.optuna_tables import STUDIES, STUDY_ATTRS, TRIALS
from bcsearch.storage.patience import patient
from bcsearch.storage.rdb import Storage
from bcsearch.storage.trial_records import Meant, aware, bare_details, read_trials, whole_details
from bcsearch.storage.urls import checked
from bcsearch.storage.used import RUN_FIRST, is_empty, used_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection

FILES_OF = attrs.FILES_OF.format("")


@patient
def read_study(source: Storage | str, name: str, *, with_epochs: bool = False) -> StudyRecord:
    """Read a study with all its trials.

    ``source`` is an open storage or a URL, which is then never created.

    Raises:
        StudyError: the study is unknown, or nothing was ever run on this storage.
        StorageError: the database cannot be used.
    """
    with reading(source) as connection:
        found = _find(_studies(connection), name)
        meant = Meant(study_id=found.study_id, uuid=found.record.uuid)
        return replace(
            found.record,
            trials=read_trials(connection, meant, whole_details(connection, meant, with_epochs)),
        )


@patient
def read_overview(source: Storage | str, name: str, n_best: int) -> StudyRecord:
    """Read number, state, score and times of all trials of a study, and all of its ``n_best`` best.

    Most of the time of ``read_study`` goes into what is left out here: at 50,000 trials of 12
    params it is a sixth. Raises as ``read_study`` does.
    """
    with reading(source) as connection:
        found = _find(_studies(connection), name)
        every = Meant(study_id=found.study_id, uuid=found.record.uuid)
        bare = replace(
            found.record, trials=read_trials(connection, every, bare_details(connection, every))
        )
        best = replace(every, numbers=tuple(trial.number for trial in bare.ranked[:n_best]))
        whole = {
            trial.number: trial
            for trial in read_trials(connection, best, whole_details(connection, best, True))
        }
        return replace(bare, trials=tuple(whole.get(trial.number, trial) for trial in bare.trials))


@patient
def list_studies(source: Storage | str) -> list[StudyRecord]:
    """Read every study without its trials, oldest first. Raises as ``read_study`` does."""
    with reading(source) as connection:
        return [found.record for found in _studies(connection)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    study_id: int
    record: StudyRecord


@contextmanager
def connected(source: str) -> Iterator[Connection]:
    """Yield a connection to a database that is there, whosever tables it holds.

    Raises:
        StudyError: there is no such SQLite file.
        StorageError: the database cannot be used.
    """
    url = checked(source)
    with used_database(url) as engine, engine.connect() as connection:
        yield connection


@contextmanager
def reading(source: Storage | str) -> Iterator[Connection]:
    """Yield a connection to an open storage, or to a database that holds Optuna's tables.

    Raises as ``read_study``.
    """
    if isinstance(source, Storage):
        with source.engine.connect() as connection:
            yield connection
        return
    with connected(source) as connection:
        if not holds_optuna(connection.engine, checked(source)):
            raise is_empty(checked(source))
        yield connection


def _studies(connection: Connection) -> list[_Found]:
    texts: dict[int, dict[str, str]] = defaultdict(dict)
    for row in connection.execute(
        select(STUDY_ATTRS.c.study_id, STUDY_ATTRS.c.key, STUDY_ATTRS.c.value_json)
    ):
        texts[row.study_id][row.key] = row.value_json
    first = select(TRIALS.c.study_id, func.min(TRIALS.c.datetime_start)).group_by(TRIALS.c.study_id)
    created: dict[int, datetime | None] = {row[0]: row[1] for row in connection.execute(first)}
    rows = connection.execute(
        select(STUDIES.c.study_id, STUDIES.c.study_name).order_by(STUDIES.c.study_id)
    )
    return [
        _Found(
            study_id=row.study_id,
            record=_study(row.study_name, texts[row.study_id], created.get(row.study_id)),
        )
        for row in rows
    ]


def _study(name: str, texts: dict[str, str], created: datetime | None) -> StudyRecord:
    known = {key: loads(text) for key, text in texts.items() if key.startswith("bcsearch:")}
    return StudyRecord(
        name=name,
        sweep=known.get(attrs.SWEEP, name),
        uuid=known.get(attrs.UUID, ""),
        trials_wanted=known.get(attrs.TRIALS, 0),
        created=aware(created),
        fingerprint=known.get(attrs.FINGERPRINT, {}),
        settings=known.get(attrs.SETTINGS, ""),
        score=_ranked_by(known.get(attrs.SETTINGS, "{}")),
        files=known.get(attrs.FILES, ""),
        files_of={
            key.removeprefix(FILES_OF): place
            for key, place in known.items()
            if key.startswith(FILES_OF)
        },
    )


def _find(studies: list[_Found], name: str) -> _Found:
    for found in studies:
        if found.record.name == name:
            return found
    raise StudyError(
        f"{unknown('study', name, [found.record.name for found in studies])}; {RUN_FIRST}"
    )


def _ranked_by(settings: str) -> str:
    """Return the name of the score that a study's settings rank by, which earlier versions kept elsewhere."""
    sweep = loads(settings).get("sweep", {})
    earlier: str = sweep.get("training", {}).get("score", "accuracy")
    found: str = sweep.get("search", {}).get("score", earlier)
    return found
