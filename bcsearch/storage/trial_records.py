"""Trials read back as records by plain SQL, all or some of a study."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC
from json import dumps, loads
from typing import TYPE_CHECKING, Any

from optuna.distributions import json_to_distribution
from optuna.trial import TrialState as OptunaState
from sqlalchemy import and_, func, inspect, literal, select

from bcsearch.records import TrialRecord, TrialState
from bcsearch.storage.attrs import NOTE, RETRY_HISTORY
from bcsearch.storage.ledger import decode_epochs
from bcsearch.storage.optuna_private import (
    FEASIBLE,
    PARAMS,
    REPORTS,
    SYSTEM_ATTRS,
    TRIALS,
    USER_ATTRS,
    VALUES,
    value_of,
)
from bcsearch.storage.tables import LEDGER
from bcsearch.storage.trial_rows import UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from sqlalchemy import Connection, Select, Table

    from bcsearch.records import EpochScores


class TrialReader:
    """Reads the trials of one study, or those with the given numbers."""

    def __init__(
        self,
        connection: Connection,
        study_id: int,
        uuid: str,
        numbers: Collection[int] | None = None,
    ) -> None:
        self._connection = connection
        self._trials = TRIALS.c.study_id == study_id
        self._in_ledger = LEDGER.c.study_uuid == uuid
        if numbers is not None:
            self._trials = and_(self._trials, TRIALS.c.number.in_(numbers))
            self._in_ledger = and_(self._in_ledger, LEDGER.c.trial_number.in_(numbers))

    def read_bare(self) -> tuple[TrialRecord, ...]:
        """Read number, state, score, times, retries and notes, in the order of numbers."""
        return self._records({}, {})

    def read_whole(self, *, with_epochs: bool) -> tuple[TrialRecord, ...]:
        """Read all that is kept, the epochs only where they are wanted."""
        return self._records(self._params(), self._ledger_rows(with_epochs=with_epochs))

    def _records(
        self, params: dict[int, dict[str, Any]], ledger: dict[int, Any]
    ) -> tuple[TrialRecord, ...]:
        """Read records, with params by trial id and rows of the ledger by trial number."""
        scores = self._scores()
        histories, notes = self._attr(RETRY_HISTORY), self._attr(NOTE)
        infeasible = self._infeasible()
        records = []
        statement = select(TRIALS).where(self._trials).order_by(TRIALS.c.number)
        for row in self._connection.execute(statement).all():
            state = TrialState[row.state.name]
            if row.trial_id in infeasible:
                state = TrialState.INFEASIBLE
            epochs: tuple[EpochScores, ...] = ()
            train_seconds = None
            entry = ledger.get(row.number)
            if entry is not None:
                epochs = decode_epochs(entry.epochs or "[]")
                train_seconds = entry.train_seconds
            retry_of = histories.get(row.trial_id, [None])[-1]
            record = TrialRecord(
                number=row.number,
                state=state,
                score=scores.get(row.trial_id),
                params=params.get(row.trial_id, {}),
                epochs=epochs,
                started=as_utc(row.datetime_start),
                finished=as_utc(row.datetime_complete),
                train_seconds=train_seconds,
                note=_note(notes.get(row.trial_id), retry_of, entry),
                retry_of=retry_of,
            )
            records.append(record)
        return tuple(records)

    def _of_trials(self, table: Table, *columns: Any) -> Select[Any]:
        """Select the trial id and columns of a table that refers to trials."""
        joined = select(table.c.trial_id, *columns).join(
            TRIALS, TRIALS.c.trial_id == table.c.trial_id
        )
        return joined.where(self._trials)

    def _scores(self) -> dict[int, float]:
        """Read values of finished trials, and the best reports of trials that are not."""
        best = self._of_trials(REPORTS, func.max(REPORTS.c.intermediate_value))
        best = best.where(TRIALS.c.state.in_(UNFINISHED)).group_by(REPORTS.c.trial_id)
        rows = self._connection.execute(best)
        scores = {trial_id: score for trial_id, score in rows if score is not None}
        values = self._of_trials(VALUES, VALUES.c.value, VALUES.c.value_type)
        for trial_id, value, kind in self._connection.execute(
            values.where(VALUES.c.objective == 0)
        ).all():
            scores[trial_id] = value_of(value, kind)
        return scores

    def _params(self) -> dict[int, dict[str, Any]]:
        """Read what each trial drew, as the objective saw it, by trial id."""
        drawn = self._of_trials(PARAMS, PARAMS.c.param_name, PARAMS.c.param_value)
        decoders: dict[str, Callable[[float], Any]] = {}
        params: dict[int, dict[str, Any]] = defaultdict(dict)
        # one row at a time takes half as long again
        for part in self._connection.execute(drawn).partitions(10_000):
            for trial_id, name, value in part:
                if name not in decoders:
                    decoders[name] = self._decoder(trial_id, name)
                params[trial_id][name] = decoders[name](value)
        return params

    def _decoder(self, trial_id: int, name: str) -> Callable[[float], Any]:
        """Return how a param is decoded in one trial: Optuna refuses other types in one study."""
        of_trial = PARAMS.c.trial_id == trial_id, PARAMS.c.param_name == name
        statement = select(PARAMS.c.distribution_json).where(*of_trial)
        distribution = json_to_distribution(self._connection.execute(statement).scalar_one())
        return distribution.to_external_repr

    def _attr(self, key: str) -> dict[int, Any]:
        """Read one attribute of the trials that have it, by trial id."""
        written = self._of_trials(USER_ATTRS, USER_ATTRS.c.value_json)
        rows = self._connection.execute(written.where(USER_ATTRS.c.key == key))
        return {trial_id: loads(text) for trial_id, text in rows}

    def _infeasible(self) -> set[int]:
        """Read the ids of trials that could not be trained, which are PRUNED to Optuna."""
        pruned = self._of_trials(SYSTEM_ATTRS).where(TRIALS.c.state == OptunaState.PRUNED)
        broken = SYSTEM_ATTRS.c.key == FEASIBLE, SYSTEM_ATTRS.c.value_json != dumps(0.0)
        return set(self._connection.execute(pruned.where(*broken)).scalars())

    def _ledger_rows(self, *, with_epochs: bool) -> dict[int, Any]:
        """Read rows of the ledger by trial number; none from a database of plain Optuna."""
        if not inspect(self._connection).has_table(LEDGER.name):
            return {}
        epochs: Any = literal("").label("epochs")
        if with_epochs:
            epochs = LEDGER.c.epochs
        columns = LEDGER.c.trial_number, LEDGER.c.train_seconds, LEDGER.c.duplicate_of
        rows = self._connection.execute(select(*columns, epochs).where(self._in_ledger))
        return {row.trial_number: row for row in rows}


def _note(note: str | None, retry_of: int | None, entry: Any) -> str:
    parts = []
    if entry is not None and entry.duplicate_of is not None:
        parts.append(f"same configuration as trial {entry.duplicate_of}")
    if note:
        parts.append(note)
    if retry_of is not None:
        parts.append(f"retry of trial {retry_of}")
    return "; ".join(parts)


def as_utc(time: datetime | None) -> datetime | None:
    """Return a time of the database with its zone."""
    if time is None:
        return None
    return time.replace(tzinfo=UTC)
