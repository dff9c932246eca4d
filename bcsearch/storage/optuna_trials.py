"""Optuna's trials read by plain SQL: six statements for up to hundreds of trials.

Every worker reads what every other one writes, so with many of them most of what a trial costs is
this reading; by Optuna's mapped objects it takes about three times as long.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC
from functools import lru_cache
from itertools import islice
from json import loads
from typing import TYPE_CHECKING, Any

from optuna.distributions import json_to_distribution
from optuna.trial import FrozenTrial
from sqlalchemy import bindparam, or_, select

from bcsearch.storage.optuna_private import (
    PARAMS,
    REPORTS,
    SYSTEM_ATTRS,
    TRIALS,
    USER_ATTRS,
    VALUES,
    report_of,
    value_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Select, Table
    from sqlalchemy.orm import Session

AT_ONCE = 500  # trials named in one statement: databases bound how many values it may hold
distribution_of = lru_cache(json_to_distribution)  # a study has few


def _details(table: Table, order: str, *columns: str) -> Select[Any]:
    """Select columns of a table that holds details of the trials ``ids``."""
    trial_id = table.c.trial_id
    rows = select(trial_id, *(table.c[name] for name in columns))
    return rows.where(trial_id.in_(bindparam("ids", expanding=True))).order_by(table.c[order])


# statements are built once: that takes as long as a small one takes to run
ROW = select(
    TRIALS.c.trial_id,
    TRIALS.c.number,
    TRIALS.c.state,
    TRIALS.c.datetime_start,
    TRIALS.c.datetime_complete,
)
ONE = ROW.where(TRIALS.c.trial_id == bindparam("trial_id"))
MANY = ROW.where(TRIALS.c.study_id == bindparam("study_id")).where(
    or_(
        TRIALS.c.trial_id > bindparam("above"),
        TRIALS.c.trial_id.in_(bindparam("ids", expanding=True)),
    )
)
DETAILS = (
    _details(PARAMS, "param_id", "param_name", "param_value", "distribution_json"),
    _details(VALUES, "objective", "value", "value_type"),
    _details(REPORTS, "step", "step", "intermediate_value", "intermediate_value_type"),
    _details(USER_ATTRS, "trial_user_attribute_id", "key", "value_json"),
    _details(SYSTEM_ATTRS, "trial_system_attribute_id", "key", "value_json"),
)


def read_trial(session: Session, trial_id: int) -> FrozenTrial:
    """Return a trial.

    Raises:
        KeyError: there is no trial with this id.
    """
    row = session.execute(ONE, {"trial_id": trial_id}).one_or_none()
    if row is None:
        raise KeyError(f"no trial has id {trial_id}")
    return next(_trials(session, [row]))


def read_trials(
    session: Session, study_id: int, ids: Iterable[int], above: int
) -> list[FrozenTrial]:
    """Return the trials of a study with these ids or an id ``above`` one, in the order of ids."""
    rows = {}
    for chunk in _chunks(ids) or [[]]:
        wanted = {"study_id": study_id, "ids": chunk, "above": above}
        for row in session.execute(MANY, wanted):
            rows[row.trial_id] = row
    ordered = [rows[key] for key in sorted(rows)]
    return [trial for chunk in _chunks(ordered) for trial in _trials(session, chunk)]


def _trials(session: Session, rows: Sequence[Any]) -> Iterator[FrozenTrial]:
    ids = [row.trial_id for row in rows]
    details = []
    for statement in DETAILS:
        found: dict[int, list[Any]] = defaultdict(list)
        for key, *values in session.execute(statement, {"ids": ids}):
            found[key].append(values)
        details.append(found)
    params, trial_values, reports, user_attrs, system_attrs = details
    for key, number, state, started, completed in rows:
        distributions = {name: distribution_of(text) for name, _, text in params[key]}
        yield FrozenTrial(
            trial_id=key,
            number=number,
            state=state,
            value=None,
            values=[value_of(*value) for value in trial_values[key]] or None,
            datetime_start=_local(started),
            datetime_complete=_local(completed),
            params={
                name: distributions[name].to_external_repr(value) for name, value, _ in params[key]
            },
            distributions=distributions,
            user_attrs={name: loads(text) for name, text in user_attrs[key]},
            system_attrs={name: loads(text) for name, text in system_attrs[key]},
            intermediate_values={step: report_of(*report) for step, *report in reports[key]},
        )


def _local(time: datetime | None) -> datetime | None:
    """Return a stored time, UTC, as Optuna gives it: local, without its zone."""
    if time is None:
        return None
    return time.replace(tzinfo=UTC).astimezone().replace(tzinfo=None)


def _chunks(items: Iterable[Any]) -> list[list[Any]]:
    rest = iter(items)
    return list(iter(lambda: list(islice(rest, AT_ONCE)), []))
