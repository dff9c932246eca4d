"""Optuna's RDB storage made safe for many workers that may die at any moment.

What differs from ``RDBStorage``: every change of a trial's state is one compare-and-set; a trial
that becomes RUNNING gets its heartbeat in the same transaction, so a worker killed inside ``ask()``
leaves a heartbeat that grows stale; the heartbeat thread outlives a database that does not answer;
a trial can be released; failing a stale trial and adding its replacement is one transaction, done
before each ask and whenever an idle worker calls for it; and every call waits for a database that
went away.
"""

from __future__ import annotations

import logging
import random
import time
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Any

from optuna.exceptions import StorageInternalError
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import delete, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from bcsearch.config import Limits
from bcsearch.errors import BcsearchError, DiskError
from bcsearch.storage import optuna_trials, trial_rows
from bcsearch.storage.batched_params import BatchedParamsStorage
from bcsearch.storage.database import prepare_database
from bcsearch.storage.database_errors import first_line, is_lost, plain_errors
from bcsearch.storage.engine import engine_options, stale_before, transaction, uptime_seconds
from bcsearch.storage.optuna_private import (
    BEATS,
    DATABASE_METHODS,
    TRIALS,
    check_study,
    lock_study,
    study_id,
)
from bcsearch.storage.reconnect import Outage, reconnecting
from bcsearch.storage.retry import move_to_infeasible, replacement_of
from bcsearch.storage.urls import checked, file_id, sqlite_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from optuna import Study
    from sqlalchemy.orm import Session

logger = logging.getLogger(__name__)


class Storage(BatchedParamsStorage):
    """The storage of all studies of a database; the tables must exist: use ``open_storage``."""

    def __init__(self, url: str, limits: Limits | None = None) -> None:
        super().__init__(url, engine_options(make_url(url)), skip_table_creation=True)
        self._file = file_id(self.engine.url)
        self.outage = Outage(seconds=0)
        self._released: set[int] = set()
        self._new_id = -1  # of the last new trial, until its first heartbeat after the one it has
        self._reaped_at = -inf
        self.follow(limits or Limits())

    def follow(self, limits: Limits) -> None:
        """Take the limits of a study: all its workers must have the same."""
        # not an argument of Optuna's, which warns of being experimental
        self.heartbeat_interval: int = limits.heartbeat_seconds
        self.grace_seconds = limits.grace_seconds
        self.max_retries = limits.retries
        self.outage.seconds = limits.reconnect_seconds

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """Change the state of a trial.

        False when another worker was first or the trial was released here.
        """
        calls = count()
        return self.outage.call(
            lambda: self._set_state(trial_id, state, values, is_repeated=next(calls) > 0)
        )

    def _set_state(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None, *, is_repeated: bool
    ) -> bool:
        """Change a state; where the call is repeated, the call before may have done it."""
        starts = state is TrialState.RUNNING
        before: tuple[TrialState, ...] = trial_rows.UNFINISHED
        if starts:
            before = (TrialState.WAITING,)
        elif trial_id in self._released:
            return False
        with transaction(self.engine) as session:
            if not trial_rows.change_state(session, trial_id, before, state):
                found = trial_rows.state_of(session, trial_id)
                if is_repeated and found is state and state in trial_rows.FINISHED:
                    return True  # nobody else ends a trial so
                self.check_trial_is_updatable(trial_id, found)
                return False
            if values is not None:
                trial_rows.write_values(session, trial_id, values)
            if starts:
                trial_rows.write_heartbeat(session, trial_id)
        self._released.discard(trial_id)
        return True

    def release(self, trial_id: int) -> bool:
        """Give a RUNNING trial back to the queue with its number, params and reports.

        False if it is not running. States that this process sets afterwards are ignored, as another
        worker may already run the trial.
        """
        return self._release(trial_id, self._start_of(trial_id))

    @reconnecting
    def _start_of(self, trial_id: int) -> datetime | None:
        start = select(TRIALS.c.datetime_start).where(TRIALS.c.trial_id == trial_id)
        with transaction(self.engine) as session:
            return session.execute(start).scalar_one_or_none()

    @reconnecting
    def _release(self, trial_id: int, started: datetime | None) -> bool:
        """Release the run of a trial that began at ``started``.

        After a call whose answer was lost, another worker may run it.
        """
        same_run = []
        if started is not None:
            same_run.append(TRIALS.c.datetime_start == started)
        running = (TrialState.RUNNING,)
        with transaction(self.engine) as session:
            released = trial_rows.change_state(
                session, trial_id, running, TrialState.WAITING, *same_run
            )
            if released:
                session.execute(delete(BEATS).where(BEATS.c.trial_id == trial_id))
        self._released.add(trial_id)  # also if the answer of the call that released it was lost
        return released

    def record_heartbeat(self, trial_id: int) -> None:
        """Write the heartbeat; log errors of the database, so that Optuna's thread goes on."""
        if trial_id in self._released:
            return
        if trial_id == self._new_id:
            self._new_id = -1
            return
        try:
            with transaction(self.engine) as session:
                trial_rows.write_heartbeat(session, trial_id)
        except (SQLAlchemyError, StorageInternalError) as error:
            self.outage.note_failure()
            logger.warning(
                "no heartbeat for trial id %d, again in %s s: %s",
                trial_id,
                self.heartbeat_interval,
                first_line(error),
            )

    def check_there(self) -> None:
        """Check that a SQLite file is still the one that was opened.

        SQLite goes on in a file that was deleted, and nobody else ever sees what it writes.

        Raises:
            DiskError: it was deleted, moved or replaced.
        """
        if self._file != file_id(self.engine.url):
            raise DiskError(f"database {sqlite_path(self.engine.url)} was deleted or moved")

    @reconnecting
    def fail_strays(self, study: Study) -> None:
        """Fail the WAITING trials of a study that is done, but its start points.

        They are of workers that asked for a trial after the last slot had been taken. Start points
        that had no turn are tried first where the budget is raised.
        """
        with transaction(self.engine) as session:
            trial_rows.fail_strays(session, study_id(study))

    @reconnecting
    def runs_any(self, study: Study) -> bool:
        """Whether any trial of a study is RUNNING."""
        with transaction(self.engine) as session:
            return trial_rows.runs_any(session, study_id(study))

    def fail_stale(self, study: Study) -> list[int]:
        """Fail the trials of lost workers and queue their retries.

        Return the numbers of those that failed.
        """
        return self._fail_stale(study_id(study))

    @reconnecting
    def _fail_stale(self, study_id: int) -> list[int]:
        self._reaped_at = time.monotonic()
        # after an outage, also one before this process, living workers first write heartbeats
        first_heartbeats = 2 * self.heartbeat_interval
        if self._reaped_at - self.outage.last_failure < first_heartbeats:
            return []
        with transaction(self.engine) as session:
            if uptime_seconds(session) < first_heartbeats:
                return []
            cutoff = stale_before(session, self.grace_seconds)
            stale = trial_rows.stale_trial_ids(session, study_id, cutoff)
        failed = [self._replace_stale(study_id, trial_id) for trial_id in stale]
        return [number for number in failed if number is not None]

    def _replace_stale(self, study_id: int, trial_id: int) -> int | None:
        """Fail a trial and add its replacement; return its number, None if it lives after all."""
        outcome = "given up"
        with transaction(self.engine) as session:
            lock_study(session, study_id)  # new trials are numbered by counting
            cutoff = stale_before(session, self.grace_seconds)
            if not trial_rows.fail_if_stale(session, trial_id, cutoff):
                return None
            failed = optuna_trials.read_trial(session, trial_id)
            replacement = replacement_of(session, study_id, failed, self.max_retries)
            if replacement is not None:
                outcome = "queued again"
                added = self.add_trial(session, study_id, replacement)
                session.flush()
                if replacement.state is TrialState.PRUNED:
                    outcome = "found infeasible"
                    move_to_infeasible(session, study_id, failed.number, added.number)
        logger.warning("trial %d lost its worker and was %s", failed.number, outcome)
        return failed.number

    def before_ask(self, study_id: int) -> None:
        """Fail stale trials before an ask, at most once a heartbeat."""
        if time.monotonic() - self._reaped_at >= self.heartbeat_interval:
            self._fail_stale(study_id)

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Read a trial.

        Raises:
            KeyError: there is no trial with this id.
        """
        with transaction(self.engine) as session:
            return optuna_trials.read_trial(session, trial_id)

    def read_trials(self, study_id: int, ids: set[int], above: int) -> list[FrozenTrial]:
        """Return the trials of a study that have these ids, or an id ``above`` one."""
        with transaction(self.engine) as session:
            found = optuna_trials.read_trials(session, study_id, ids, above)
            if not found:
                check_study(session, study_id)
        return found

    def add_trial(self, session: Session, study_id: int, template: FrozenTrial | None) -> Any:
        """Add a trial, with a heartbeat if it is RUNNING, and return its row."""
        trial = super().add_trial(session, study_id, template)
        if trial.state is TrialState.RUNNING:
            session.execute(insert(BEATS).values(trial_id=trial.trial_id))
            self._new_id = trial.trial_id
        return trial


for _name in DATABASE_METHODS:
    setattr(Storage, _name, reconnecting(getattr(Storage, _name)))


def open_storage(url: str, limits: Limits | None = None) -> Storage:
    """Open a database for workers, making what tables are missing.

    A RUNNING trial without a heartbeat for the ``grace_seconds`` of ``limits`` is lost.

    Raises:
        StorageError: the URL makes no sense, the database cannot be reached, or it is not Optuna's.
        DiskError: the folder of a SQLite file is missing or cannot be written.
    """
    address = checked(url)
    for attempts_left in range(7, -1, -1):
        try:
            with plain_errors(address):
                prepare_database(address)
                return Storage(address.render_as_string(hide_password=False), limits)
        except BcsearchError as error:
            message = str(error).lower()
            # several processes may make the tables of one new database; all but one fail at first
            races = ("already exists", "locked", "unique", "duplicate entry")
            wait = 0.2
            if is_lost(error):
                wait = 1.0  # a server that does not answer may be restarting
            elif not any(text in message for text in races):
                raise
            if not attempts_left:
                raise
        time.sleep(wait * random.uniform(0.5, 1.5))
    raise AssertionError("the loop returns or raises")
