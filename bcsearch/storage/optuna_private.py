"""The private parts of Optuna that bcsearch uses, read in Optuna 5.0.0.

``tests/storage/test_optuna_private.py`` fails when one of them moves.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.script import ScriptDirectory
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import _VersionManager
from optuna.study._constrained_optimization import _CONSTRAINTS_KEY
from optuna.trial import TrialState
from sqlalchemy import Column, DateTime, MetaData, String, Table, inspect, select
from sqlalchemy.orm import scoped_session, sessionmaker

from bcsearch.storage.tables import TIME

if TYPE_CHECKING:
    from collections.abc import Container

    from optuna import Study, Trial
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial
    from sqlalchemy.engine import URL, Engine
    from sqlalchemy.orm import Session

STUDIES = models.StudyModel.__table__
STUDY_ATTRS = models.StudyUserAttributeModel.__table__
TRIALS = models.TrialModel.__table__
PARAMS = models.TrialParamModel.__table__
VALUES = models.TrialValueModel.__table__
REPORTS = models.TrialIntermediateValueModel.__table__
USER_ATTRS = models.TrialUserAttributeModel.__table__
SYSTEM_ATTRS = models.TrialSystemAttributeModel.__table__
HEARTBEATS = models.TrialHeartbeatModel.__table__
SCHEMA = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
FIXED_PARAMS = "fixed_params"  # system attribute with the params that a trial was enqueued with
FEASIBLE = f"{_CONSTRAINTS_KEY}:feasible"  # system attribute: above zero if it cannot be trained

value_of = models.TrialValueModel.stored_repr_to_value
stored_value = models.TrialValueModel.value_to_stored_repr
report_of = models.TrialIntermediateValueModel.stored_repr_to_intermediate_value


def _with_exact_times() -> MetaData:
    """Return Optuna's tables, with times that hold fractions of a second on MySQL too.

    Two runs of one trial are told apart by them.
    """
    made = MetaData()
    for table in models.BaseModel.metadata.sorted_tables:
        for column in table.to_metadata(made).columns:
            if isinstance(column.type, DateTime):
                column.type = TIME
    return made


OPTUNA_METADATA = _with_exact_times()


class OptunaStorage(RDBStorage):
    """Optuna's storage, whose private methods call public ones that a subclass defines."""

    database_calls = (  # the methods that use the database on their own
        "create_new_study",
        "delete_study",
        "set_study_user_attr",
        "set_study_system_attr",
        "get_study_id_from_name",
        "get_study_name_from_id",
        "get_study_directions",
        "get_study_user_attrs",
        "get_study_system_attrs",
        "get_all_studies",
        "get_trial_id_from_study_id_trial_number",
        "get_trial_param",
        "get_trial",
        "get_trial_user_attrs",
        "get_trial_system_attrs",
        "set_trial_intermediate_value",
        "set_trial_user_attr",
        "set_trial_system_attr",
        "read_trials",
        "write_param",
        "_create_new_trial",
        "_get_best_trial_id",
    )
    started_trial_id: int | None = None  # made by this process with its first heartbeat

    def read_trials(self, study_id: int, trial_ids: set[int], above: int) -> list[FrozenTrial]:
        """Read the trials with these ids, and those with an id above one, in the order of ids."""
        raise NotImplementedError

    def write_param(
        self,
        trial_id: int,
        name: str,
        value: float,
        distribution: BaseDistribution,
        earlier: BaseDistribution | None,
    ) -> None:
        """Write a param; ``earlier`` is its distribution in earlier trials, where it is known."""
        super()._set_trial_param(trial_id, name, value, distribution, earlier)

    def write_new_param(
        self,
        session: Session,
        trial_id: int,
        name: str,
        value: float,
        distribution: BaseDistribution,
    ) -> None:
        """Write a param in an open transaction, checked against what the database holds.

        Raises:
            ValueError: its distribution differs from that of earlier trials.
        """
        self._set_trial_param_without_commit(session, trial_id, name, value, distribution)

    def add_trial(self, session: Session, study_id: int, template: FrozenTrial) -> int:
        """Add a trial like ``template`` in an open transaction; return its number."""
        trial = self._get_prepared_new_trial(study_id, template, session)
        session.flush()
        number: int = trial.number
        return number

    def before_ask(self, study_id: int) -> None:
        """Do what is due before a trial is asked for."""

    def _get_trials(
        self,
        study_id: int,
        states: Container[TrialState] | None,
        included_trial_ids: set[int],
        trial_id_greater_than: int,
    ) -> list[FrozenTrial]:
        found = self.read_trials(study_id, included_trial_ids, trial_id_greater_than)
        return [trial for trial in found if states is None or trial.state in states]

    def _set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
        previous_distribution: BaseDistribution | None,
    ) -> None:
        self.write_param(
            trial_id, param_name, param_value_internal, distribution, previous_distribution
        )

    def _get_prepared_new_trial(
        self, study_id: int, template_trial: FrozenTrial | None, session: Session
    ) -> Any:
        trial: Any = super()._get_prepared_new_trial(study_id, template_trial, session)
        if trial.state is TrialState.RUNNING:
            session.add(models.TrialHeartbeatModel(trial_id=trial.trial_id))
            self.started_trial_id = trial.trial_id
        return trial

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        self.before_ask(study_id)
        return []  # nothing is left to Optuna's own way, which takes two steps

    @staticmethod
    def _fill_storage_url_template(template: str) -> str:
        return template  # as given: Optuna would read braces in a password as a template


def trial_id_of(trial: Trial) -> int:
    """Return the id of a trial in its storage."""
    return trial._trial_id


def study_id_of(study: Study) -> int:
    """Return the id of a study in its storage."""
    return study._study_id


def reported_steps(trial: Trial) -> set[int]:
    """Return the steps that were reported before this process began with a trial."""
    return set(trial._cached_frozen_trial.intermediate_values)


def known_schemas() -> list[str]:
    """Return the schemas that the installed Optuna knows: its own first, then older ones."""
    scripts = ScriptDirectory(str(Path(models.__file__).with_name("alembic")))
    return [script.revision for script in scripts.walk_revisions()]


def schema_of(engine: Engine) -> str | None:
    """Return the schema of a database; None where none is noted."""
    if not inspect(engine).has_table(SCHEMA.name):
        return None
    with engine.connect() as connection:
        return connection.execute(select(SCHEMA.c.version_num)).scalars().first()


def migrate(engine: Engine, url: URL) -> None:
    """Bring Optuna's tables up to the schema of the installed Optuna."""
    manager = _VersionManager(
        url.render_as_string(hide_password=False),
        engine,
        scoped_session(sessionmaker(bind=engine)),
    )
    # without a handler, the migrations would set up the logging of the whole process
    handler = logging.NullHandler()
    logging.getLogger().addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # about old distributions
            manager.upgrade()
    finally:
        logging.getLogger().removeHandler(handler)
