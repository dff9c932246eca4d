"""Optuna's RDB storage made safe for many workers that may die at any moment.

What differs from ``RDBStorage``: every change of a trial's state is one compare-and-set; a trial
that becomes RUNNING gets its heartbeat in the same transaction, so a worker killed inside ``ask()``
leaves a trace that grows stale; the heartbeat thread outlives a database that does not answer; a
trial can be released; failing a stale trial and putting its successor in its place is one
transaction, done before each ask and whenever an idle worker calls for it; the params of a trial
can be written in one transaction; and every call waits for a database that is away.
"""

from __future__ import annotations

import logging
import random
import time
from contextlib import contextmanager, suppress
from itertools import count
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from optuna.distributions import (
    BaseDistribution,
    check_distribution_compatibility,
    distribution_to_json,
)
from optuna.exceptions import StorageInternalError
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import delete, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from bcsearch.config import Limits
from bcsearch.errors import BcsearchError
from bcsearch.storage import trial_rows
from bcsearch.storage.database_errors import first_line, is_lost, plain_errors
from bcsearch.storage.engine import (
    engine_options,
    prepare_database,
    stale_before,
    transaction,
    uptime_seconds,
)
from bcsearch.storage.fetch_trials import fetch_many, fetch_one
from bcsearch.storage.lost_trials import successor_of, take_over
from bcsearch.storage.optuna_private import (
    HEARTBEATS,
    PARAMS,
    TRIALS,
    OptunaStorage,
    study_id_of,
)
from bcsearch.storage.reconnect import Outage, retried
from bcsearch.storage.urls import checked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optuna import Study

logger = logging.getLogger(__name__)


class _Drawn(NamedTuple):
    """One param of a trial; ``earlier`` is its distribution in earlier trials, where known."""

    name: str
    value: float
    distribution: BaseDistribution
    earlier: BaseDistribution | None


class Storage(OptunaStorage):
    """The storage of all studies of a database whose tables exist: use ``open_storage``."""

    _held: list[_Drawn] | None = None  # params that are written at the end of a block

    def __init__(self, url: str, limits: Limits | None = None) -> None:
        super().__init__(url, engine_options(make_url(url)), skip_table_creation=True)
        self._released: set[int] = set()
        self._reaped_at = -inf
        self.outage = Outage(seconds=0)
        self.follow(limits or Limits())

    def follow(self, limits: Limits) -> None:
        """Take the limits of a study: all its workers must have the same."""
        self.heartbeat_interval: int = limits.heartbeat_seconds
        self.grace_seconds = limits.grace_seconds
        self.max_retries = limits.retries
        self.outage.seconds = limits.reconnect_seconds

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """Change the state of a trial.

        Returns False when another worker was first or the trial was released here.
        """
        calls = count(1)
        return self.outage.call(
            lambda: self._set_state(trial_id, state, values, is_repeated=next(calls) > 1)
        )

    def _set_state(
        self,
        trial_id: int,
        state: TrialState,
        values: Sequence[float] | None,
        *,
        is_repeated: bool,
    ) -> bool:
        """Change a state; a call before a repeated one may have done it, and was cut off."""
        before: tuple[TrialState, ...] = trial_rows.UNFINISHED
        if state is TrialState.RUNNING:
            before = (TrialState.WAITING,)
        elif trial_id in self._released:
            return False
        with transaction(self.engine) as session:
            if not trial_rows.move(session, trial_id, before, state):
                found = trial_rows.state_of(session, trial_id)
                if is_repeated and found is state and state in trial_rows.FINISHED:
                    return True  # nobody else ends a trial so
                self.check_trial_is_updatable(trial_id, found)
                return False
            if values is not None:
                trial_rows.write_values(session, trial_id, values)
            if state is TrialState.RUNNING:
                trial_rows.write_heartbeat(session, trial_id)
        self._released.discard(trial_id)
        return True

    def release(self, trial_id: int) -> bool:
        """Give a RUNNING trial back to the queue with its number, params and reports.

        Returns False if it is not running. The state that this process sets afterwards is ignored,
        as another worker may already run the trial.
        """
        return self._release_run(trial_id, self._started(trial_id))

    @retried
    def _started(self, trial_id: int) -> object:
        with transaction(self.engine) as session:
            statement = select(TRIALS.c.datetime_start).where(TRIALS.c.trial_id == trial_id)
            return session.execute(statement).scalar_one_or_none()

    @retried
    def _release_run(self, trial_id: int, started: object) -> bool:
        """Release the run that began then: after a call that was cut off, another may run."""
        same_run = () if started is None else (TRIALS.c.datetime_start == started,)
        running = (TrialState.RUNNING,)
        with transaction(self.engine) as session:
            released = trial_rows.move(session, trial_id, running, TrialState.WAITING, *same_run)
            if released:
                session.execute(delete(HEARTBEATS).where(HEARTBEATS.c.trial_id == trial_id))
        self._released.add(trial_id)  # also if a call that was cut off has released it
        return released

    def record_heartbeat(self, trial_id: int) -> None:
        """Write the heartbeat; Optuna's thread lives on when the database does not answer."""
        if trial_id in self._released:
            return
        if trial_id == self.started_trial_id:  # it was written with the trial
            self.started_trial_id = None
            return
        try:
            with transaction(self.engine) as session:
                trial_rows.write_heartbeat(session, trial_id)
        except (SQLAlchemyError, StorageInternalError) as error:
            self.outage.note_failure()
            seconds, message = self.heartbeat_interval, first_line(error)
            logger.warning(
                "no heartbeat for trial id %d, again in %s s: %s", trial_id, seconds, message
            )

    @retried
    def runs_any(self, study: Study) -> bool:
        """Whether any trial of a study is RUNNING."""
        mine = TRIALS.c.study_id == study_id_of(study), TRIALS.c.state == TrialState.RUNNING
        with transaction(self.engine) as session:
            running = select(TRIALS.c.trial_id).where(*mine).limit(1)
            return session.execute(running).first() is not None

    def fail_stale(self, study: Study) -> list[int]:
        """Fail the trials of lost workers and queue their retries; return their numbers."""
        return self._fail_stale(study_id_of(study))

    def before_ask(self, study_id: int) -> None:
        """Fail the trials of lost workers, once in a heartbeat's time."""
        if time.monotonic() - self._reaped_at >= self.heartbeat_interval:
            self._fail_stale(study_id)

    @retried
    def _fail_stale(self, study_id: int) -> list[int]:
        self._reaped_at = time.monotonic()
        # after an outage, living workers come first; this process may have begun after it
        wait = 2 * self.heartbeat_interval
        if self._reaped_at - self.outage.last < wait:
            return []
        with transaction(self.engine) as session:
            if uptime_seconds(session) < wait:
                return []
            cutoff = stale_before(session, self.grace_seconds)
            stale = trial_rows.stale_trial_ids(session, study_id, cutoff)
        failed = [self._replace_stale(study_id, trial_id) for trial_id in stale]
        return [number for number in failed if number is not None]

    def _replace_stale(self, study_id: int, trial_id: int) -> int | None:
        with transaction(self.engine) as session:
            trial_rows.check_study(session, study_id, lock=True)  # numbers are counted up
            cutoff = stale_before(session, self.grace_seconds)
            if not trial_rows.fail_if_stale(session, trial_id, cutoff):
                return None
            failed = fetch_one(session, trial_id)
            became = "given up"
            successor = successor_of(session, study_id, failed, self.max_retries)
            if successor is not None:
                became = "queued again"
                number = self.add_trial(session, study_id, successor)
                if successor.state is TrialState.PRUNED:
                    became = "found infeasible"
                    take_over(session, study_id, failed.number, number)
        logger.warning("trial %d lost its worker and was %s", failed.number, became)
        return failed.number

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Read a trial. Raises KeyError where there is none, as Optuna's storages do."""
        with transaction(self.engine) as session:
            return fetch_one(session, trial_id)

    def read_trials(self, study_id: int, trial_ids: set[int], above: int) -> list[FrozenTrial]:
        """Read the trials with these ids, and those with an id above one, in the order of ids."""
        with transaction(self.engine) as session:
            found = fetch_many(session, study_id, trial_ids, above)
            if not found:
                trial_rows.check_study(session, study_id)
        return found

    @contextmanager
    def batched_params(self, trial_id: int) -> Iterator[None]:
        """Write what is drawn in this block in one transaction at its end, however it ends.

        Optuna writes each param in a transaction of its own: with a dozen of them, most of what a
        trial costs. One trial at a time may use it.

        Raises:
            UpdateFinishedTrialError: another worker has ended the trial.
        """
        self._held = []
        try:
            yield
        finally:
            held, self._held = self._held, None
            if held:
                self._write_params(trial_id, held)

    def write_param(
        self,
        trial_id: int,
        name: str,
        value: float,
        distribution: BaseDistribution,
        earlier: BaseDistribution | None,
    ) -> None:
        """Write a param, or hold it back until the end of the block."""
        if self._held is None:
            super().write_param(trial_id, name, value, distribution, earlier)
        else:
            self._held.append(_Drawn(name, value, distribution, earlier))

    @retried
    def _write_params(self, trial_id: int, drawn: Sequence[_Drawn]) -> None:
        rows = []
        # rows that are there already were written by a call that was cut off
        with suppress(IntegrityError), transaction(self.engine) as session:
            self.check_trial_is_updatable(trial_id, trial_rows.state_of(session, trial_id))
            for name, value, distribution, earlier in drawn:
                if earlier is None:  # this process meets it for the first time
                    self.write_new_param(session, trial_id, name, value, distribution)
                    continue
                check_distribution_compatibility(earlier, distribution)
                row = {"trial_id": trial_id, "param_name": name, "param_value": value}
                rows.append({**row, "distribution_json": distribution_to_json(distribution)})
            if rows:
                session.execute(insert(PARAMS), rows)


for _name in Storage.database_calls:
    setattr(Storage, _name, retried(getattr(Storage, _name)))


def open_storage(url: str, limits: Limits | None = None) -> Storage:
    """Open a database for workers, making the tables that are missing.

    A RUNNING trial that is silent for the grace period of ``limits`` counts as lost.

    Raises:
        StorageError: the URL makes no sense, the database cannot be reached, or is not Optuna's.
        DiskError: the folder of a SQLite file is missing or cannot be written.
    """
    address = checked(url)
    plain = address.render_as_string(hide_password=False)
    for attempts_left in reversed(range(8)):
        try:
            with plain_errors(address):
                prepare_database(address)
                return Storage(plain, limits)
        except BcsearchError as error:
            # of several processes that make the tables of a new database, all but one fail at first
            races = ("already exists", "locked", "unique", "duplicate entry")
            is_race = any(race in str(error).lower() for race in races)
            wait = 0.2
            if is_lost(error):
                wait = 1.0  # a server that does not answer may be restarting
            if not attempts_left or not (is_race or is_lost(error)):
                raise
        time.sleep(wait * random.uniform(0.5, 1.5))
    raise AssertionError("the loop returns or raises")
