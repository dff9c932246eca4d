"""Trials read back as records by plain SQL, all or some of a study. Imports sqlalchemy, optuna."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC
from json import dumps, loads
from typing import TYPE_CHECKING, Any

from optuna.distributions import json_to_distribution
from optuna.trial import TrialState as OptunaState
from sqlalchemy import and_, func, inspect, literal, select

from bcsearch.records import TrialRecord, TrialState
from bcsearch.storage import attrs
from bcsearch.storage.ledger import decode_epochs
from bcsearch.storage.optuna_tables import PARAMS, REPORTS, SYSTEM_ATTRS, TRIALS, USER_ATTRS, VALUES
from bcsearch.storage.tables import LEDGER
from bcsearch.storage.trial_rows import CONSTRAINT, UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

INFINITE = {"INF_POS": float("inf"), "INF_NEG": float("-inf")}
STATES = {state: TrialState[state.name] for state in OptunaState}
FETCHED = 10_000  # rows at a time: one by one takes half as long again


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """Which trials are read: all of a study, or those with these numbers."""

    study_id: int
    uuid: str
    numbers: tuple[int, ...] | None = None

    @property
    def trials(self) -> ColumnElement[bool]:
        """The condition on Optuna's rows of trials."""
        study = TRIALS.c.study_id == self.study_id
        return study if self.numbers is None else and_(study, TRIALS.c.number.in_(self.numbers))

    @property
    def entries(self) -> ColumnElement[bool]:
        """The condition on rows of the ledger."""
        study = LEDGER.c.study_uuid == self.uuid
        return (
            study if self.numbers is None else and_(study, LEDGER.c.trial_number.in_(self.numbers))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What stands in other tables than the trials' own, by trial id.

    What the ledger says by trial number.
    """

    scores: dict[int, float]
    retry_of: dict[int, int]
    infeasible: frozenset[int]
    notes: dict[int, str]
    params: dict[int, dict[str, Any]] = field(default_factory=dict)
    ledger: dict[int, Any] = field(default_factory=dict)


def bare_details(connection: Connection, meant: Meant) -> Details:
    """Read scores, retries, what could not be trained and why."""
    histories = _told(connection, meant, attrs.RETRY_HISTORY)
    retry_of = {trial_id: history[-1] for trial_id, history in histories.items()}
    infeasible = _infeasible(connection, meant)
    notes = _told(connection, meant, attrs.NOTE)
    return Details(
        scores=_scores(connection, meant), retry_of=retry_of, infeasible=infeasible, notes=notes
    )


def whole_details(connection: Connection, meant: Meant, with_epochs: bool) -> Details:
    """Read all that is kept, the epochs only where they are wanted."""
    return replace(
        bare_details(connection, meant),
        params=_params(connection, meant),
        ledger=_ledger(connection, meant, with_epochs=with_epochs),
    )


def read_trials(connection: Connection, meant: Meant, details: Details) -> tuple[TrialRecord, ...]:
    """Read trials in the order of their numbers."""
    columns = [
        TRIALS.c.trial_id,
        TRIALS.c.number,
        TRIALS.c.state,
        TRIALS.c.datetime_start,
        TRIALS.c.datetime_complete,
    ]
    rows = connection.execute(select(*columns).where(meant.trials).order_by(TRIALS.c.number)).all()
    return tuple(_trial(row, details) for row in rows)


def _trial(row: Any, details: Details) -> TrialRecord:
    trial_id, number, state, started, finished = row
    entry = details.ledger.get(number)
    return TrialRecord(
        number=number,
        state=TrialState.INFEASIBLE if number in details.infeasible else STATES[state],
        score=details.scores.get(trial_id),
        params=details.params.get(trial_id, {}),
        epochs=decode_epochs(entry.epochs) if entry is not None and entry.epochs else (),
        started=aware(started),
        finished=aware(finished),
        train_seconds=None if entry is None else entry.train_seconds,
        note=_note(details.notes.get(trial_id), details.retry_of.get(trial_id), entry),
        retry_of=details.retry_of.get(trial_id),
    )


def _note(note: str | None, retry_of: int | None, entry: Any) -> str:
    duplicate_of = None if entry is None else entry.duplicate_of
    same = None if duplicate_of is None else f"same configuration as trial {duplicate_of}"
    retry = None if retry_of is None else f"retry of trial {retry_of}"
    return "; ".join(part for part in (same, note, retry) if part)


def _scores(connection: Connection, meant: Meant) -> dict[int, float]:
    """Read the values of finished trials and the last reports, best so far, of those that are not."""
    reported = (
        select(REPORTS.c.trial_id, func.max(REPORTS.c.intermediate_value))
        .join(TRIALS, TRIALS.c.trial_id == REPORTS.c.trial_id)
        .where(meant.trials, TRIALS.c.state.in_(UNFINISHED))
        .group_by(REPORTS.c.trial_id)
    )
    scores = {
        trial_id: score for trial_id, score in connection.execute(reported) if score is not None
    }
    ended = (
        select(VALUES.c.trial_id, VALUES.c.value, VALUES.c.value_type)
        .join(TRIALS, TRIALS.c.trial_id == VALUES.c.trial_id)
        .where(meant.trials, VALUES.c.objective == 0)
    )
    for trial_id, value, kind in connection.execute(ended).all():
        scores[trial_id] = INFINITE[kind.name] if value is None else value
    return scores


def _params(connection: Connection, meant: Meant) -> dict[int, dict[str, Any]]:
    """Read what each trial drew, as the objective saw it, by trial id."""
    drawn = select(PARAMS.c.trial_id, PARAMS.c.param_name, PARAMS.c.param_value)
    drawn = drawn.join(TRIALS, TRIALS.c.trial_id == PARAMS.c.trial_id).where(meant.trials)
    decoders: dict[str, Callable[[float], Any]] = {}
    params: dict[int, dict[str, Any]] = defaultdict(dict)
    for part in connection.execute(drawn).partitions(FETCHED):
        for trial_id, name, value in part:
            if name not in decoders:
                decoders[name] = _decoder(connection, trial_id, name)
            params[trial_id][name] = decoders[name](value)
    return params


def _decoder(connection: Connection, trial_id: int, name: str) -> Callable[[float], Any]:
    """Take a param's meaning from one trial: Optuna refuses another type or other choices of a name in one study."""
    one = select(PARAMS.c.distribution_json).where(
        PARAMS.c.trial_id == trial_id, PARAMS.c.param_name == name
    )
    decode: Callable[[float], Any] = json_to_distribution(
        connection.execute(one).scalar_one()
    ).to_external_repr
    return decode


def _told(connection: Connection, meant: Meant, key: str) -> dict[int, Any]:
    """Read one attribute of the trials that have it, by trial id."""
    written = (
        select(USER_ATTRS.c.trial_id, USER_ATTRS.c.value_json)
        .join(TRIALS, TRIALS.c.trial_id == USER_ATTRS.c.trial_id)
        .where(meant.trials, USER_ATTRS.c.key == key)
    )
    return {trial_id: loads(text) for trial_id, text in connection.execute(written)}


def _infeasible(connection: Connection, meant: Meant) -> frozenset[int]:
    """Read which trials could not be trained: they are PRUNED to Optuna, which has no word for them."""
    numbers = select(TRIALS.c.number).join(
        SYSTEM_ATTRS, SYSTEM_ATTRS.c.trial_id == TRIALS.c.trial_id
    )
    told = and_(SYSTEM_ATTRS.c.key == CONSTRAINT, SYSTEM_ATTRS.c.value_json != dumps(0.0))
    pruned = TRIALS.c.state == OptunaState.PRUNED
    return frozenset(connection.execute(numbers.where(meant.trials, pruned, told)).scalars())


def _ledger(connection: Connection, meant: Meant, *, with_epochs: bool) -> dict[int, Any]:
    if not inspect(connection).has_table(LEDGER.name):  # a study of plain Optuna
        return {}
    epochs = LEDGER.c.epochs if with_epochs else literal("").label("epochs")
    columns = select(LEDGER.c.trial_number, LEDGER.c.train_seconds, LEDGER.c.duplicate_of, epochs)
    rows = connection.execute(columns.where(meant.entries))
    return {row.trial_number: row for row in rows}


def aware(time: datetime | None) -> datetime | None:
    """Say that a time of the database is UTC."""
    return None if time is None else time.replace(tzinfo=UTC)
