"""Every private name of Optuna that bcsearch uses, as read in Optuna 5.0.0.

A test fails when one of them moves or takes other arguments.
"""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from alembic.script import ScriptDirectory
from optuna.artifacts._upload import ARTIFACTS_ATTR_PREFIX
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import _VersionManager
from optuna.study._constrained_optimization import _CONSTRAINTS_KEY
from sqlalchemy import Column, DateTime, MetaData, String, Table, inspect, select
from sqlalchemy.orm import scoped_session, sessionmaker

from bcsearch.storage.attrs import FEASIBLE
from bcsearch.storage.tables import TIME

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from optuna import Study, Trial
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial, TrialState
    from sqlalchemy.engine import URL, Engine
    from sqlalchemy.orm import Session

READ_IN = "5.0.0"
CONSTRAINT = f"{_CONSTRAINTS_KEY}:{FEASIBLE}"  # the system attribute of a trial
ARTIFACT = ARTIFACTS_ATTR_PREFIX  # begins the system attribute of an artifact
FIXED_PARAMS = "fixed_params"  # the system attribute that holds the params of a start point
DATABASE_METHODS = (  # methods of RDBStorage that use the database on their own
    "create_new_study", "delete_study", "set_study_user_attr", "set_study_system_attr",
    "get_study_id_from_name", "get_study_name_from_id", "get_study_directions",
    "get_study_user_attrs", "get_study_system_attrs", "get_all_studies",
    "_create_new_trial", "_set_trial_param", "get_trial", "_get_trials", "_get_best_trial_id",
    "get_trial_param", "get_trial_user_attrs", "get_trial_system_attrs",
    "get_trial_id_from_study_id_trial_number",
    "set_trial_intermediate_value", "set_trial_user_attr", "set_trial_system_attr",
)  # fmt: skip

STUDIES = models.StudyModel.__table__
STUDY_ATTRS = models.StudyUserAttributeModel.__table__
TRIALS = models.TrialModel.__table__
PARAMS = models.TrialParamModel.__table__
VALUES = models.TrialValueModel.__table__
REPORTS = models.TrialIntermediateValueModel.__table__
USER_ATTRS = models.TrialUserAttributeModel.__table__
SYSTEM_ATTRS = models.TrialSystemAttributeModel.__table__
BEATS = models.TrialHeartbeatModel.__table__
SCHEMA = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
stored_value = models.TrialValueModel.value_to_stored_repr
value_of = models.TrialValueModel.stored_repr_to_value
report_of = models.TrialIntermediateValueModel.stored_repr_to_intermediate_value


def tables_with_exact_times() -> MetaData:
    """Return Optuna's tables, with times that hold fractions of a second on MySQL too.

    The start time tells two runs of one trial apart.
    """
    made = MetaData()
    for table in models.BaseModel.metadata.sorted_tables:
        for column in table.to_metadata(made).columns:
            if isinstance(column.type, DateTime):
                column.type = TIME
    return made


OPTUNA_TABLES = tables_with_exact_times()


def study_id(study: Study) -> int:
    """Return the id of a study in its database."""
    return study._study_id


def trial_id(trial: Trial | FrozenTrial) -> int:
    """Return the id of a trial in its database."""
    return trial._trial_id


def reported_steps(trial: Trial) -> set[int]:
    """Return the steps that a trial had reported when this process took it."""
    return set(trial._cached_frozen_trial.intermediate_values)


def lock_study(session: Session, study_id: int) -> None:
    """Lock the row of a study, so that nobody else numbers a new trial in this transaction.

    Raises:
        KeyError: there is no such study.
    """
    models.StudyModel.find_or_raise_by_id(study_id, session, for_update=True)


def check_study(session: Session, study_id: int) -> None:
    """Raise KeyError where there is no such study."""
    models.StudyModel.find_or_raise_by_id(study_id, session)


def known_schemas() -> list[str]:
    """Return the versions of tables that the installed Optuna knows, its own first."""
    scripts = ScriptDirectory(str(Path(models.__file__).with_name("alembic")))
    return [script.revision for script in scripts.walk_revisions()]


def schema_of(engine: Engine) -> str | None:
    """Return the version of a database's tables; None where it is not written yet."""
    if not inspect(engine).has_table(SCHEMA.name):
        return None
    with engine.connect() as connection:
        return connection.execute(select(SCHEMA.c.version_num)).scalars().first()


def is_older(schema: str | None) -> bool:
    """Whether the installed Optuna can upgrade tables of this version."""
    return schema in known_schemas()[1:]


def migrate(engine: Engine, url: URL) -> None:
    """Upgrade Optuna's tables to the version of the installed Optuna."""
    plain = url.render_as_string(hide_password=False)
    manager = _VersionManager(plain, engine, scoped_session(sessionmaker(bind=engine)))
    with _without_logging_setup(), warnings.catch_warnings():
        # the migration replaces the old distributions that it warns of
        warnings.simplefilter("ignore", FutureWarning)
        manager.upgrade()


@contextmanager
def _without_logging_setup() -> Iterator[None]:
    """Keep Optuna's migrations from configuring a root logger without handlers."""
    root, silent = logging.getLogger(), logging.NullHandler()
    root.addHandler(silent)
    try:
        yield
    finally:
        root.removeHandler(silent)


class DrawnParam(NamedTuple):
    """One param of a trial; ``previous`` is its distribution in earlier trials, where known."""

    name: str
    value: float
    distribution: BaseDistribution
    previous: BaseDistribution | None


class PrivateStorage(RDBStorage):
    """RDBStorage whose private steps call public methods, which a subclass replaces."""

    def write_param(self, trial_id: int, param: DrawnParam) -> None:
        """Write one param of a trial in a transaction of its own."""
        super()._set_trial_param(trial_id, *param)

    def add_param(self, session: Session, trial_id: int, param: DrawnParam) -> None:
        """Check one param against all earlier trials, and add it to a transaction."""
        self._set_trial_param_without_commit(session, trial_id, *param)

    def add_trial(self, session: Session, study_id: int, template: FrozenTrial | None) -> Any:
        """Add a trial to a transaction and return its row, an object of SQLAlchemy's ORM."""
        return super()._get_prepared_new_trial(study_id, template, session)

    def read_trials(self, study_id: int, ids: set[int], above: int) -> list[FrozenTrial]:
        """Return the trials of a study that have these ids, or an id ``above`` one."""
        return super()._get_trials(study_id, None, ids, above)

    def before_ask(self, study_id: int) -> None:
        """Do what has to be done before a trial is asked for."""

    def _set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
        previous_distribution: BaseDistribution | None,
    ) -> None:
        param = DrawnParam(param_name, param_value_internal, distribution, previous_distribution)
        self.write_param(trial_id, param)

    def _get_prepared_new_trial(
        self, study_id: int, template_trial: FrozenTrial | None, session: Session
    ) -> Any:
        return self.add_trial(session, study_id, template_trial)

    def _get_trials(
        self,
        study_id: int,
        states: Container[TrialState] | None,
        included_trial_ids: set[int],
        trial_id_greater_than: int,
    ) -> list[FrozenTrial]:
        found = self.read_trials(study_id, included_trial_ids, trial_id_greater_than)
        if states is None:
            return found
        return [trial for trial in found if trial.state in states]

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        self.before_ask(study_id)
        return []  # so that Optuna itself never fails or retries a trial

    @staticmethod
    def _fill_storage_url_template(template: str) -> str:
        return template  # Optuna would read braces in a password as a template
