"""Trials of a study, all or some, read back as records by plain SQL."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC
from json import dumps, loads
from typing import TYPE_CHECKING, Any

from optuna.distributions import json_to_distribution
from optuna.trial import TrialState as OptunaState
from sqlalchemy import func, inspect, literal, select

from bcsearch.records import TrialRecord, TrialState
from bcsearch.storage import attrs
from bcsearch.storage.ledger import decode_epochs, stored_params
from bcsearch.storage.optuna_private import (
    CONSTRAINT,
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
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Select, Table

    from bcsearch.records import EpochScores


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which trials are read: all of a study, or those with these numbers."""

    study_id: int
    uuid: str
    numbers: tuple[int, ...] | None = None

    def trials(self, statement: Select[Any]) -> Select[Any]:
        """Restrict a statement on Optuna's trials."""
        statement = statement.where(TRIALS.c.study_id == self.study_id)
        if self.numbers is None:
            return statement
        return statement.where(TRIALS.c.number.in_(self.numbers))

    def details(self, table: Table, *columns: Any) -> Select[Any]:
        """Select trial ids and columns of a table of Optuna's that holds details of trials."""
        rows = select(table.c.trial_id, *columns)
        return self.trials(rows.join(TRIALS, TRIALS.c.trial_id == table.c.trial_id))


def read_trials(
    connection: Connection, scope: Scope, *, in_full: bool = False, with_epochs: bool = False
) -> tuple[TrialRecord, ...]:
    """Read trials in the order of their numbers.

    Without ``in_full``, params and what the ledger holds are left out.
    """
    columns = (
        TRIALS.c.trial_id,
        TRIALS.c.number,
        TRIALS.c.state,
        TRIALS.c.datetime_start,
        TRIALS.c.datetime_complete,
    )
    rows = connection.execute(scope.trials(select(*columns)).order_by(TRIALS.c.number)).all()
    scores = _scores(connection, scope)
    infeasible = _infeasible(connection, scope)
    notes = _user_attr(connection, scope, attrs.NOTE)
    histories = _user_attr(connection, scope, attrs.RETRY_HISTORY)
    superseded = _superseded(connection, scope)
    repeats = _user_attr(connection, scope, attrs.REPEATS)
    trials = []
    for trial_id, number, optuna_state, started, finished in rows:
        state = TrialState[optuna_state.name]
        if number in infeasible:
            state = TrialState.INFEASIBLE
        remarks = [notes.get(trial_id)]
        retry_of = None
        if trial_id in histories:
            retry_of = histories[trial_id][-1]
            remarks.append(f"retry of trial {retry_of}")
        if repeats.get(trial_id):
            remarks.append("trained again, its scores are the mean of all")
        score = scores.get(trial_id)
        if not (isinstance(number, int) and isinstance(score, float | int | None)):
            raise TypeError(f"trial {number!r} has the score {score!r}")
        trial = TrialRecord(
            number=number,
            state=state,
            score=score,
            started=aware(started),
            finished=aware(finished),
            note="; ".join(filter(None, remarks)),
            retry_of=retry_of,
            superseded=number in superseded,
        )
        trials.append(trial)
    if in_full:
        params = _params(connection, scope)
        entries = _ledger(connection, scope, with_epochs=with_epochs)
        trials = [
            _in_full(trial, params.get(row.trial_id, {}), entries.get(trial.number))
            for row, trial in zip(rows, trials, strict=True)
        ]
    return tuple(trials)


def _in_full(trial: TrialRecord, params: dict[str, Any], entry: Any) -> TrialRecord:
    """Add what a trial drew and its row of the ledger, None where it has none."""
    if entry is None:
        return replace(trial, params=params)
    note = trial.note
    if entry.duplicate_of is not None:
        same = f"same configuration as trial {entry.duplicate_of}"
        note = "; ".join(filter(None, [same, note]))
    epochs: tuple[EpochScores, ...] = ()
    acting: dict[str, Any] = {}
    if entry.epochs:
        epochs, acting = decode_epochs(entry.epochs), stored_params(entry.params).acting
    return replace(
        trial,
        params=params,
        acting=acting,
        epochs=epochs,
        train_seconds=entry.train_seconds,
        note=note,
    )


def aware(time: datetime | None) -> datetime | None:
    """Mark a time of the database as UTC."""
    if time is None:
        return None
    return time.replace(tzinfo=UTC)


def _scores(connection: Connection, scope: Scope) -> dict[int, float]:
    """Read the values of finished trials and the best report of those that are not."""
    best = func.max(REPORTS.c.intermediate_value)
    reported = scope.details(REPORTS, best).where(TRIALS.c.state.in_(UNFINISHED))
    scores: dict[int, float] = {}
    for trial_id, score in connection.execute(reported.group_by(REPORTS.c.trial_id)):
        if score is not None:
            scores[trial_id] = score
    values = scope.details(VALUES, VALUES.c.value, VALUES.c.value_type)
    for trial_id, value, kind in connection.execute(values.where(VALUES.c.objective == 0)):
        scores[trial_id] = value_of(value, kind)
    return scores


def _params(connection: Connection, scope: Scope) -> dict[int, dict[str, Any]]:
    """Read what each trial drew, as the objective got it, by trial id.

    The distribution of a param is read from one trial: Optuna refuses another type or other choices
    of a name in one study.
    """
    drawn = scope.details(PARAMS, PARAMS.c.param_name, PARAMS.c.param_value)
    decoders: dict[str, Callable[[float], Any]] = {}
    params: dict[int, dict[str, Any]] = defaultdict(dict)
    # many rows at a time: one by one takes half as long again
    for part in connection.execute(drawn).partitions(10_000):
        for trial_id, name, value in part:
            if not isinstance(name, str):
                raise TypeError(f"{name!r} is no name of a parameter")
            if name not in decoders:
                one = PARAMS.c.trial_id == trial_id, PARAMS.c.param_name == name
                distribution = select(PARAMS.c.distribution_json).where(*one)
                text = connection.execute(distribution).scalar_one()
                decoders[name] = json_to_distribution(text).to_external_repr
            params[trial_id][name] = decoders[name](value)
    return params


def _user_attr(connection: Connection, scope: Scope, key: str) -> dict[int, Any]:
    """Read one attribute of the trials that have it, by trial id."""
    written = scope.details(USER_ATTRS, USER_ATTRS.c.value_json).where(USER_ATTRS.c.key == key)
    return {trial_id: loads(text) for trial_id, text in connection.execute(written)}


def _superseded(connection: Connection, scope: Scope) -> frozenset[int]:
    """Read the numbers of trials whose configuration was trained again, and the mean taken."""
    whole = replace(scope, numbers=None)
    repeats = whole.details(USER_ATTRS, TRIALS.c.number, USER_ATTRS.c.value_json)
    repeats = repeats.where(
        TRIALS.c.state == OptunaState.COMPLETE, USER_ATTRS.c.key == attrs.REPEATS
    )
    again = [number for _, number, text in connection.execute(repeats) if loads(text)]
    if not again:
        return frozenset()
    digests = select(LEDGER.c.trial_number, LEDGER.c.digest)
    digests = digests.where(LEDGER.c.study_uuid == scope.uuid)
    digest_of = {row.trial_number: row.digest for row in connection.execute(digests)}
    last = {digest_of[number]: number for number in sorted(again) if number in digest_of}
    return frozenset(
        number for number, digest in digest_of.items() if number < last.get(digest, -1)
    )


def _infeasible(connection: Connection, scope: Scope) -> frozenset[int]:
    """Read the numbers of trials that could not be trained: to Optuna they are PRUNED."""
    written = scope.details(SYSTEM_ATTRS, TRIALS.c.number)
    infeasible = written.where(
        TRIALS.c.state == OptunaState.PRUNED,
        SYSTEM_ATTRS.c.key == CONSTRAINT,
        SYSTEM_ATTRS.c.value_json != dumps(0.0),
    )
    return frozenset(number for _, number in connection.execute(infeasible))


def _ledger(connection: Connection, scope: Scope, *, with_epochs: bool) -> dict[int, Any]:
    """Read rows of the ledger, by trial number."""
    if not inspect(connection).has_table(LEDGER.name):  # a study of plain Optuna
        return {}
    found: tuple[ColumnElement[str], ...] = literal("").label("epochs"), literal("").label("params")
    if with_epochs:
        found = LEDGER.c.epochs, LEDGER.c.params
    columns = LEDGER.c.trial_number, LEDGER.c.train_seconds, LEDGER.c.duplicate_of
    rows = select(*columns, *found).where(LEDGER.c.study_uuid == scope.uuid)
    if scope.numbers is not None:
        rows = rows.where(LEDGER.c.trial_number.in_(scope.numbers))
    return {row.trial_number: row for row in connection.execute(rows)}
