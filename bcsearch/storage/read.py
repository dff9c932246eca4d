"""Studies found by name and read back as records by plain SQL, in a few queries.

Optuna's ``get_trials`` builds an object for every value of every trial: a minute at 50,000 trials.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from dataclasses import replace
from json import loads
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import func, select

from bcsearch.errors import StudyError, unknown
from bcsearch.records import StudyRecord, TrialState
from bcsearch.records.checked import Certificate
from bcsearch.records.choice import Choice
from bcsearch.storage import attrs
from bcsearch.storage.database import RUN_FIRST, existing_database
from bcsearch.storage.database_errors import sound_rows
from bcsearch.storage.optuna_private import STUDIES, STUDY_ATTRS, TRIALS
from bcsearch.storage.rdb import Storage
from bcsearch.storage.reconnect import reconnecting
from bcsearch.storage.trial_records import Scope, aware, read_trials
from bcsearch.storage.urls import checked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from bcsearch.records import TrialRecord

FIRST = "-1"  # behind the name of a sweep: its first study
KINDS = {  # of what a study says of itself
    attrs.SETTINGS: str,
    attrs.SWEEP: str,
    attrs.UUID: str,
    attrs.TRIALS: int,
    attrs.FINGERPRINT: dict,
    attrs.FILES: str,
    attrs.CHECK: dict,
    attrs.CHOICE: dict,
}
_CERTIFICATES = TypeAdapter(Certificate)
_CHOICES = TypeAdapter(Choice)


def newest_of(sweep: str, studies: Sequence[StudyRecord]) -> str | None:
    """Return the last study made from ``sweep``, of studies in the order they were made.

    None where there is none.
    """
    for study in reversed(studies):
        if study.sweep == sweep:
            return study.name
    return None


def find_study(source: Storage | str, name: str) -> str:
    """Return the newest study of the sweep ``name``, or the study of that name.

    ``name-1`` is the first study of a sweep, whose own name means the newest.

    Raises:
        StudyError: there is none, or nothing was ever run on this storage.
    """
    studies = list_studies(source)
    newest = newest_of(name, studies)
    if newest is not None:
        return newest
    names = [study.name for study in studies]
    for found in (name, name.removesuffix(FIRST)):
        if found in names:
            return found
    raise StudyError(f"{unknown('study', name, names)}; {RUN_FIRST}")


@reconnecting
def read_study(source: Storage | str, name: str, *, with_epochs: bool = False) -> StudyRecord:
    """Read a study with all its trials.

    ``source`` is an open storage or a URL, which is then never created.

    Raises:
        StudyError: the study is unknown, or nothing was ever run on this storage.
        StorageError: the database cannot be used.
    """
    with reading(source) as connection:
        study_id, study = _find(connection, name)
        scope = Scope(study_id=study_id, uuid=study.uuid)
        trials = read_trials(connection, scope, in_full=True, with_epochs=with_epochs)
    return replace(study, trials=trials)


@reconnecting
def read_overview(source: Storage | str, name: str, n_best: int) -> StudyRecord:
    """Read number, state, score and times of all trials, and all of the ``n_best`` best.

    The winner is read as they are.

    Most of the time of ``read_study`` goes into what is left out here: at 50,000 trials of 12
    params it is a sixth. Raises as ``read_study`` does.
    """
    with reading(source) as connection:
        study_id, study = _find(connection, name)
        scope = Scope(study_id=study_id, uuid=study.uuid)
        trials = read_trials(connection, scope)
        brief = replace(study, trials=trials)
        wanted = brief.ranked[:n_best]
        if wanted and brief.named is not None:
            wanted.append(brief.named)
        scope = replace(scope, numbers=tuple({trial.number for trial in wanted}))
        best = read_trials(connection, scope, in_full=True, with_epochs=True)
    in_full = {trial.number: trial for trial in best}
    return replace(study, trials=tuple(in_full.get(trial.number, trial) for trial in trials))


@reconnecting
def read_latest(
    source: Storage | str, name: str, n_latest: int, known: Mapping[int, TrialRecord]
) -> tuple[TrialRecord, ...]:
    """Read the trials of a study with the highest numbers, and those that ran when last read.

    Those of ``known`` that had ended stay as they are, and are not read again. Raises as
    ``read_study`` does.
    """
    with reading(source) as connection:
        study_id, study = _find(connection, name)
        numbers = select(TRIALS.c.number).where(TRIALS.c.study_id == study_id)
        latest = numbers.order_by(TRIALS.c.number.desc()).limit(n_latest)
        running = {n for n, trial in known.items() if trial.state is TrialState.RUNNING}
        found = {*connection.execute(latest).scalars()} - known.keys() | running
        scope = Scope(study_id=study_id, uuid=study.uuid, numbers=tuple(found))
        return read_trials(connection, scope, in_full=True, with_epochs=True)


@reconnecting
def list_studies(source: Storage | str) -> list[StudyRecord]:
    """Read every study without its trials, oldest first. Raises as ``read_study`` does."""
    with reading(source) as connection:
        return list(_studies(connection).values())


@contextmanager
def connected(source: str) -> Iterator[Connection]:
    """Yield a connection to a database that exists, with tables of any kind.

    Raises:
        StudyError: there is no such SQLite file.
        StorageError: the database cannot be used.
    """
    url = checked(source)
    with existing_database(url) as engine, sound_rows(url), engine.connect() as connection:
        yield connection


@contextmanager
def reading(source: Storage | str) -> Iterator[Connection]:
    """Yield a connection to an open storage, or to a database that holds Optuna's tables.

    Raises as ``read_study``.
    """
    if isinstance(source, Storage):
        with sound_rows(source.engine.url), source.engine.connect() as connection:
            yield connection
        return
    url = checked(source)
    filled = existing_database(url, with_studies=True)
    with filled as engine, sound_rows(url), engine.connect() as connection:
        yield connection


def _studies(connection: Connection) -> dict[int, StudyRecord]:
    """Read every study without its trials, by id, oldest first."""
    attributes: dict[int, dict[str, str]] = defaultdict(dict)
    columns = select(STUDY_ATTRS.c.study_id, STUDY_ATTRS.c.key, STUDY_ATTRS.c.value_json)
    for study_id, key, text in connection.execute(columns):
        attributes[study_id][key] = text
    studies = (
        select(STUDIES.c.study_id, STUDIES.c.study_name, func.min(TRIALS.c.datetime_start))
        .outerjoin(TRIALS, TRIALS.c.study_id == STUDIES.c.study_id)
        .group_by(STUDIES.c.study_id, STUDIES.c.study_name)
        .order_by(STUDIES.c.study_id)
    )
    found = {
        study_id: _record(name, attributes[study_id], created)
        for study_id, name, created in connection.execute(studies)
    }
    newest = {study.sweep: study.name for study in found.values()}
    for study_id, study in found.items():
        if newest.get(study.name, study.name) != study.name:
            found[study_id] = replace(study, called=f"{study.name}{FIRST}")
    return found


def certificate_of(attributes: Mapping[str, Any]) -> Certificate | None:
    """Return what a study says of its data, given its user attributes; None where it says nothing.

    Raises:
        ValueError: it is no certificate.
    """
    said = attributes.get(attrs.CHECK)
    return None if said is None else _CERTIFICATES.validate_python(said)


def choice_of(attributes: Mapping[str, Any]) -> Choice | None:
    """Return what a study chose at its end; None before, or where it cannot be read."""
    said = attributes.get(attrs.CHOICE)
    if not said:
        return None
    try:
        return _CHOICES.validate_python(said)
    except ValidationError:
        return None


def _record(name: str, attributes: dict[str, str], created: datetime | None) -> StudyRecord:
    known = {key: loads(text) for key, text in attributes.items() if key.startswith("bcsearch:")}
    if not isinstance(name, str):
        raise TypeError(f"{name!r} is no name of a study")
    for key, kind in KINDS.items():
        if not isinstance(known.get(key, kind()), kind):
            raise ValueError(f"{key} of study {name} is no {kind.__name__}")
    fingerprint = known.get(attrs.FINGERPRINT, {})
    if not all(isinstance(part, str) for part in fingerprint.values()):
        raise ValueError(f"a part of the fingerprint of study {name} is no text")
    settings = known.get(attrs.SETTINGS, "")
    sweep = loads(settings or "{}").get("sweep", {})
    prefix = attrs.FILES_OF.format("")
    return StudyRecord(
        name=name,
        sweep=known.get(attrs.SWEEP, name),
        uuid=known.get(attrs.UUID, ""),
        trials_wanted=known.get(attrs.TRIALS, 0),
        created=aware(created),
        fingerprint=fingerprint,
        settings=settings,
        score=_ranked_by(sweep),
        data=str(sweep.get("data", "")),
        certificate=certificate_of(known),
        choice=choice_of(known),
        files=known.get(attrs.FILES, ""),
        files_of={
            key.removeprefix(prefix): place
            for key, place in known.items()
            if key.startswith(prefix)
        },
    )


def _find(connection: Connection, name: str) -> tuple[int, StudyRecord]:
    """Return the id and the record of a study."""
    studies = _studies(connection)
    for study_id, study in studies.items():
        if study.name == name:
            return study_id, study
    names = [study.name for study in studies.values()]
    raise StudyError(f"{unknown('study', name, names)}; {RUN_FIRST}")


def _ranked_by(sweep: Mapping[str, Any]) -> str:
    """Return the score that trials are ranked by; earlier versions kept it elsewhere."""
    earlier: str = sweep.get("training", {}).get("score", "accuracy")
    found: str = sweep.get("search", {}).get("score", earlier)
    return found
