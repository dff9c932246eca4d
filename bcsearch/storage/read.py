"""Studies read back as records by plain SQL, in a few queries.

Optuna's ``get_trials`` builds an object for every value of every trial: a minute at 50,000 trials.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from dataclasses import replace
from json import loads
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from bcsearch.errors import StudyError, unknown
from bcsearch.records import StudyRecord
from bcsearch.storage import attrs
from bcsearch.storage.engine import RUN_FIRST, existing_database
from bcsearch.storage.optuna_private import STUDIES, STUDY_ATTRS, TRIALS
from bcsearch.storage.rdb import Storage
from bcsearch.storage.reconnect import retried
from bcsearch.storage.trial_records import TrialReader, as_utc
from bcsearch.storage.urls import checked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection


@retried
def read_study(source: Storage | str, name: str, *, with_epochs: bool = False) -> StudyRecord:
    """Read a study with all its trials; ``source`` is an open storage or the URL of a database.

    Raises:
        StudyError: the study is unknown, or nothing was ever run on this storage.
        StorageError: the database cannot be used.
    """
    with reading(source) as connection:
        study_id, study = _find(connection, name)
        trials = TrialReader(connection, study_id, study.uuid)
        return replace(study, trials=trials.read_whole(with_epochs=with_epochs))


@retried
def read_overview(source: Storage | str, name: str, n_best: int) -> StudyRecord:
    """Read number, state, score and times of all trials of a study, and all of its best.

    Most of the time of ``read_study`` goes into what is left out here: at 50,000 trials of 12
    params it is a sixth. Raises as ``read_study`` does.
    """
    with reading(source) as connection:
        study_id, study = _find(connection, name)
        bare = replace(study, trials=TrialReader(connection, study_id, study.uuid).read_bare())
        numbers = [trial.number for trial in bare.ranked[:n_best]]
        best = TrialReader(connection, study_id, study.uuid, numbers)
        whole = {trial.number: trial for trial in best.read_whole(with_epochs=True)}
        return replace(bare, trials=tuple(whole.get(trial.number, trial) for trial in bare.trials))


@retried
def list_studies(source: Storage | str) -> list[StudyRecord]:
    """Read every study without its trials, oldest first. Raises as ``read_study`` does."""
    with reading(source) as connection:
        return list(_studies(connection).values())


def newest_of(sweep: str, studies: Sequence[StudyRecord]) -> str | None:
    """Return the name of the last of ``studies`` that was made from a sweep; None without one."""
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
    names = [study.name for study in studies]
    newest = newest_of(name, studies)
    for found in (newest, name, name.removesuffix("-1")):
        if found in names:
            return found
    raise StudyError(f"{unknown('study', name, names)}; {RUN_FIRST}")


@contextmanager
def connected(source: str, *, of_optuna: bool = False) -> Iterator[Connection]:
    """Yield a connection to a database that exists, and holds Optuna's tables if that is asked.

    Raises:
        StudyError: there is no such SQLite file, or no table in the database.
        StorageError: the database cannot be used.
    """
    url = checked(source)
    with (
        existing_database(url, of_optuna=of_optuna) as engine,
        engine.connect() as connection,
    ):
        yield connection


@contextmanager
def reading(source: Storage | str) -> Iterator[Connection]:
    """Yield a connection to an open storage, or to a database that holds Optuna's tables.

    Raises as ``read_study`` does.
    """
    if isinstance(source, Storage):
        with source.engine.connect() as connection:
            yield connection
    else:
        with connected(source, of_optuna=True) as connection:
            yield connection


def _find(connection: Connection, name: str) -> tuple[int, StudyRecord]:
    """Return the id and the record of a study."""
    studies = _studies(connection)
    for study_id, study in studies.items():
        if study.name == name:
            return study_id, study
    names = [study.name for study in studies.values()]
    raise StudyError(f"{unknown('study', name, names)}; {RUN_FIRST}")


def _studies(connection: Connection) -> dict[int, StudyRecord]:
    """Read every study without its trials, by id, oldest first."""
    known: dict[int, dict[str, Any]] = defaultdict(dict)
    columns = select(STUDY_ATTRS.c.study_id, STUDY_ATTRS.c.key, STUDY_ATTRS.c.value_json)
    for study_id, key, text in connection.execute(columns):
        if key.startswith("bcsearch:"):
            known[study_id][key] = loads(text)
    first = func.min(TRIALS.c.datetime_start).label("created")
    statement = (
        select(STUDIES.c.study_id, STUDIES.c.study_name, first)
        .outerjoin(TRIALS, TRIALS.c.study_id == STUDIES.c.study_id)
        .group_by(STUDIES.c.study_id, STUDIES.c.study_name)
        .order_by(STUDIES.c.study_id)
    )
    return {
        study_id: replace(_study(name, known[study_id]), created=as_utc(created))
        for study_id, name, created in connection.execute(statement)
    }


def _study(name: str, known: dict[str, Any]) -> StudyRecord:
    settings = known.get(attrs.SETTINGS, "")
    prefix = attrs.FILES_OF.format("")
    files_of = {key.removeprefix(prefix): known[key] for key in known if key.startswith(prefix)}
    return StudyRecord(
        name=name,
        sweep=known.get(attrs.SWEEP, name),
        uuid=known.get(attrs.UUID, ""),
        trials_wanted=known.get(attrs.TRIALS, 0),
        created=None,
        fingerprint=known.get(attrs.FINGERPRINT, {}),
        settings=settings,
        score=_ranked_by(settings or "{}"),
        files=known.get(attrs.FILES, ""),
        files_of=files_of,
    )


def _ranked_by(settings: str) -> str:
    """Return the score that a study ranks by; earlier versions kept its name elsewhere."""
    sweep = loads(settings).get("sweep", {})
    earlier: str = sweep.get("training", {}).get("score", "accuracy")
    found: str = sweep.get("search", {}).get("score", earlier)
    return found
