"""Optuna's RDB storage made safe for many workers that may die at any moment.

Imports optuna, sqlalchemy.

What differs from ``RDBStorage``: every change of a trial's state is one compare-and-set; a trial
that becomes RUNNING gets its heartbeat in the same transaction, so a worker killed inside ``ask()``
leaves a trace that grows stale; the heartbeat thread outlives a database that does not answer; a
trial can be released; and failing a stale trial and putting its successor in its place is one
transaction, done before each ask and whenever an idle worker calls for it; and every call waits for
a database that went away.
"""

from __future__ import annotations

import logging
import random
import time
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Any

from optuna.exceptions import StorageInternalError
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from bcsearch.errors import BcsearchError
from bcsearch.storage import trial_rows
from bcsearch.storage.engine import (
    engine_options,
    first_line,
    plain_errors,
    prepare_database,
    stale_before,
    transaction,
    uptime_seconds,
)
from bcsearch.storage.frozen import read_many, read_one
from bcsearch.storage.patience import Outage, all_patient, is_lost, patient
from bcsearch.storage.retry import infeasible_of, retry_of
from bcsearch.storage.succession import has_ended, may_succeed, succeed
from bcsearch.storage.together import ParamsTogether
from bcsearch.storage.urls import checked

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from datetime import datetime

    from optuna import Study
    from sqlalchemy.orm import Session

    from bcsearch.config import Limits

logger = logging.getLogger(__name__)

MAX_RETRIES = 3
RECONNECT_SECONDS = 300.0
BEATS_AFTER_OUTAGE = 2  # heartbeats that are waited for before anyone counts as lost
OPTUNAS = (  # of Optuna's methods, those that touch the database on their own
    "create_new_study", "delete_study", "set_study_user_attr", "set_study_system_attr", "get_study_id_from_name",
    "get_study_name_from_id", "get_study_directions", "get_study_user_attrs", "get_study_system_attrs",
    "get_trial_user_attrs", "get_trial_system_attrs", "get_all_studies", "_create_new_trial", "_set_trial_param",
    "get_trial_param", "set_trial_intermediate_value", "set_trial_user_attr", "set_trial_system_attr",
    "get_trial_id_from_study_id_trial_number", "get_trial", "_get_trials", "_get_best_trial_id",
)  # fmt: skip
FATES = {
    TrialState.WAITING: "queued again",
    TrialState.PRUNED: "found infeasible",
    None: "given up",
}  # of a lost trial
RACE_SAYINGS = ("already exists", "locked", "unique", "duplicate entry")
OPENINGS = (
    8  # several processes may create the tables of one new database; all but one fail at first
)


@all_patient(OPTUNAS)
class Storage(ParamsTogether):
    """The storage of all studies of a database; the tables must be there: use ``open_storage``."""

    def __init__(
        self,
        url: str,
        *,
        heartbeat_seconds: int = 10,
        grace_seconds: int = 60,
        max_retries: int = MAX_RETRIES,
        reconnect_seconds: float = RECONNECT_SECONDS,
    ) -> None:
        super().__init__(url, engine_options(make_url(url)), skip_table_creation=True)
        self.heartbeat_interval: int = (
            heartbeat_seconds  # not an argument above: that one warns of being experimental
        )
        self.grace_seconds = grace_seconds
        self.max_retries = max_retries
        self.outage = Outage(seconds=reconnect_seconds)
        self._released: set[int] = set()
        self._new_id = (
            -1
        )  # the trial that this process made last, if its heartbeat was written with it only
        self._reaped_at = -inf

    def follow(self, limits: Limits) -> None:
        """Take the limits of a study: all its workers must have the same."""
        self.heartbeat_interval, self.grace_seconds = limits.heartbeat_seconds, limits.grace_seconds
        self.max_retries, self.outage.seconds = limits.retries, limits.reconnect_seconds

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """Change the state of a trial.

        False when another worker was first or the trial was released here.
        """
        calls = count(1)
        return self.outage.call(
            lambda: self._set_state(trial_id, state, values, again=next(calls) > 1)
        )

    def _set_state(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None, *, again: bool
    ) -> bool:
        """Change a state; ``again`` says that a call before this one may have done it, and was cut off."""
        starts = state is TrialState.RUNNING
        if trial_id in self._released and not starts:
            return False
        before = (TrialState.WAITING,) if starts else trial_rows.UNFINISHED
        with transaction(self.engine) as session:
            if not trial_rows.move(session, trial_id, before, state):
                found = trial_rows.state_of(session, trial_id)
                if (
                    again and found is state and state in trial_rows.FINISHED
                ):  # nobody else ends a trial so
                    return True
                self.check_trial_is_updatable(trial_id, found)
                return False
            if values is not None:
                trial_rows.write_values(session, trial_id, values)
            if starts:
                trial_rows.beat(session, trial_id)
        self._released.discard(trial_id)
        return True

    def release(self, trial_id: int) -> bool:
        """Give a RUNNING trial back to the queue with its number, params and reports.

        False if it is not running.

        The state that this process tells afterwards is ignored, as another worker may already run
        the trial.
        """
        return self._release(trial_id, self._start_of(trial_id))

    @patient
    def _start_of(self, trial_id: int) -> datetime | None:
        with transaction(self.engine) as session:
            return trial_rows.start_of(session, trial_id)

    @patient
    def _release(self, trial_id: int, started: datetime | None) -> bool:
        """Release the run of a trial that began then.

        After a call that was cut off another worker may run it.
        """
        with transaction(self.engine) as session:
            released = trial_rows.move(
                session, trial_id, (TrialState.RUNNING,), TrialState.WAITING, started
            )
            if released:
                trial_rows.forget_beat(session, trial_id)
        self._released.add(
            trial_id
        )  # also where it is not ours any more, be it released by a call that was cut off
        return released

    def record_heartbeat(self, trial_id: int) -> None:
        """Write the heartbeat; when the database does not answer, Optuna's thread lives on and tries again."""
        if trial_id in self._released:
            return
        if trial_id == self._new_id:
            self._new_id = -1
            return
        try:
            with transaction(self.engine) as session:
                trial_rows.beat(session, trial_id)
        except (SQLAlchemyError, StorageInternalError) as error:
            self.outage.met()
            again = self.heartbeat_interval
            logger.warning(
                "no heartbeat for trial id %d, again in %s s: %s",
                trial_id,
                again,
                first_line(error),
            )

    @patient
    def runs_any(self, study: Study) -> bool:
        """Whether any trial of a study is RUNNING."""
        with transaction(self.engine) as session:
            return trial_rows.runs_any(session, study._study_id)

    def fail_stale(self, study: Study) -> list[int]:
        """Fail the trials of lost workers and queue their retries.

        Return the numbers of those that failed.
        """
        return self._reap(study._study_id)

    @patient
    def _reap(self, study_id: int) -> list[int]:
        self._reaped_at = time.monotonic()
        first_beats = (
            BEATS_AFTER_OUTAGE * self.heartbeat_interval
        )  # of the living, who were not heard meanwhile
        if self._reaped_at - self.outage.last < first_beats:
            return []
        with transaction(self.engine) as session:
            if (
                uptime_seconds(session) < first_beats
            ):  # this process may have begun after the outage
                return []
            cutoff = stale_before(session, self.grace_seconds)
            stale = trial_rows.stale_trial_ids(session, study_id, cutoff)
        failed = [self._replace_stale(study_id, trial_id) for trial_id in stale]
        return [number for number in failed if number is not None]

    def _replace_stale(self, study_id: int, trial_id: int) -> int | None:
        with transaction(self.engine) as session:
            models.StudyModel.find_or_raise_by_id(
                study_id, session, for_update=True
            )  # new numbers are counted
            if not trial_rows.fail_if_stale(
                session, trial_id, stale_before(session, self.grace_seconds)
            ):
                return None
            row = models.TrialModel.find_or_raise_by_id(trial_id, session)
            failed = self._build_frozen_trial_from_trial_model(row)
            counts = may_succeed(session, study_id, failed.number)
            again = self.max_retries + (has_ended(session, study_id, failed.number) or not counts)
            successor = retry_of(failed, again) or (infeasible_of(failed) if counts else None)
            if successor is not None:
                made = self._get_prepared_new_trial(study_id, successor, session)
                session.flush()
                if successor.state is TrialState.PRUNED:
                    succeed(session, study_id, failed.number, made.number)
        became = FATES[successor.state if successor else None]
        logger.warning("trial %d lost its worker and was %s", failed.number, became)
        return failed.number

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        """Reap where Optuna calls this, before an ask, now and then.

        Leave nothing for its own two-step way to do.
        """
        if time.monotonic() - self._reaped_at >= self.heartbeat_interval:
            self._reap(study_id)
        return []

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Read a trial. Raises KeyError where there is none, as Optuna's storages do."""
        with transaction(self.engine) as session:
            found = read_one(session, trial_id)
        if found is None:
            raise KeyError(f"no trial has id {trial_id}")
        return found

    def _get_trials(
        self,
        study_id: int,
        states: Container[TrialState] | None,
        included_trial_ids: set[int],
        trial_id_greater_than: int,
    ) -> list[FrozenTrial]:
        with transaction(self.engine) as session:
            found = read_many(session, study_id, included_trial_ids, trial_id_greater_than)
            if not found:
                models.StudyModel.find_or_raise_by_id(study_id, session)
        return [trial for trial in found if states is None or trial.state in states]

    def _get_prepared_new_trial(
        self, study_id: int, template_trial: FrozenTrial | None, session: Session
    ) -> Any:
        trial: Any = super()._get_prepared_new_trial(study_id, template_trial, session)
        if trial.state is TrialState.RUNNING:
            session.add(models.TrialHeartbeatModel(trial_id=trial.trial_id))
            self._new_id = trial.trial_id
        return trial

    @staticmethod
    def _fill_storage_url_template(template: str) -> str:
        return template  # as given: Optuna would read braces in a password as a template


def open_storage(
    url: str,
    *,
    heartbeat_seconds: int = 10,
    grace_seconds: int = 60,
    max_retries: int = MAX_RETRIES,
    reconnect_seconds: float = RECONNECT_SECONDS,
) -> Storage:
    """Open a database for workers, making what tables are missing.

    A RUNNING trial silent for the grace is lost.

    Raises:
        StorageError: the URL makes no sense, the database cannot be reached, or it is not Optuna's.
        DiskError: the folder of a SQLite file is missing or cannot be written.
    """
    address = checked(url)
    plain = address.render_as_string(hide_password=False)
    for attempt in range(1, OPENINGS + 1):
        try:
            with plain_errors(address):
                prepare_database(address)
                return Storage(
                    plain,
                    heartbeat_seconds=heartbeat_seconds,
                    grace_seconds=grace_seconds,
                    max_retries=max_retries,
                    reconnect_seconds=reconnect_seconds,
                )
        except BcsearchError as error:
            if attempt == OPENINGS or not (_may_be_a_race(error) or is_lost(error)):
                raise
            wait = 1.0 if is_lost(error) else 0.2  # a server that does not answer may be restarting
        time.sleep(wait * random.uniform(0.5, 1.5))
    raise AssertionError("the loop returns or raises")


def _may_be_a_race(error: BcsearchError) -> bool:
    return any(words in str(error).lower() for words in RACE_SAYINGS)
