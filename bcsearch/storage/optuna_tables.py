"""Optuna's tables, for making them and for statements of our own. Imports optuna, sqlalchemy."""

from __future__ import annotations

from optuna.storages._rdb import models
from sqlalchemy import DateTime, MetaData

from bcsearch.storage.tables import TIME


def _with_exact_times() -> MetaData:
    """Return what is known of Optuna's tables, but times hold fractions of a second on MySQL too.

    By them two runs of one trial are told apart.
    """
    made = MetaData()
    for table in models.BaseModel.metadata.sorted_tables:
        for column in table.to_metadata(made).columns:
            if isinstance(column.type, DateTime):
                column.type = TIME
    return made


OPTUNAS = _with_exact_times()
STUDIES = models.StudyModel.__table__
STUDY_ATTRS = models.StudyUserAttributeModel.__table__
TRIALS = models.TrialModel.__table__
PARAMS = models.TrialParamModel.__table__
VALUES = models.TrialValueModel.__table__
REPORTS = models.TrialIntermediateValueModel.__table__
USER_ATTRS = models.TrialUserAttributeModel.__table__
SYSTEM_ATTRS = models.TrialSystemAttributeModel.__table__
BEATS = models.TrialHeartbeatModel.__table__
