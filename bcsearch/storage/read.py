"""Studies read back as records by plain SQL, in a few queries whatever the number of trials. Imports sqlalchemy, optuna.

Optuna's ``get_trials`` builds an object for every value of every trial: a minute at 50,000 trials.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from datetime import UTC
from json import loads
from typing import TYPE_CHECKING, Any

from optuna.distributions import json_to_distribution
from optuna.storages._rdb import models
from optuna.trial import TrialState as OptunaState
from sqlalchemy import func, select

from bcsearch.errors import StudyError, unknown
from bcsearch.records import StudyRecord, TrialRecord, TrialState
from bcsearch.storage import attrs
from bcsearch.storage.engine import holds_optuna, plain_errors, reading_engine
from bcsearch.storage.ledger import decode_epochs
from bcsearch.storage.rdb import Storage
from bcsearch.storage.tables import LEDGER
from bcsearch.storage.trial_rows import TRIALS, UNFINISHED, VALUES
from bcsearch.storage.urls import checked, masked, sqlite_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from optuna.distributions import BaseDistribution
    from sqlalchemy import Connection

STUDIES = models.StudyModel.__table__
STUDY_ATTRS = models.StudyUserAttributeModel.__table__
TRIAL_ATTRS = models.TrialUserAttributeModel.__table__
PARAMS = models.TrialParamModel.__table__
REPORTS = models.TrialIntermediateValueModel.__table__
INFINITE = {"INF_POS": float("inf"), "INF_NEG": float("-inf")}
NOTES = (attrs.NOTE, attrs.RETRY_HISTORY)
RUN_FIRST = "start one with 'bcsearch run --study NAME'"


def read_study(source: Storage | str, name: str, *, with_epochs: bool = False) -> StudyRecord:
    """Read a study with all its trials; ``source`` is an open storage or a URL, which is then never created.

    Raises:
        StudyError: the study is unknown, or nothing was ever run on this storage.
        StorageError: the database cannot be used.
    """
    with _reading(source) as connection:
        record = _find(_studies(connection), name)
        return _with_trials(connection, record.study_id, record.record, with_epochs=with_epochs)


def list_studies(source: Storage | str) -> list[StudyRecord]:
    """Read every study without its trials, oldest first. Raises as ``read_study`` does."""
    with _reading(source) as connection:
        return [found.record for found in _studies(connection)]


def newest_study_of(source: Storage | str, sweep: str) -> str | None:
    """Return the name of the study that was last started from ``sweep``; None when there is none."""
    with _reading(source) as connection:
        names = [found.record.name for found in _studies(connection) if found.record.sweep == sweep]
    return names[-1] if names else None
