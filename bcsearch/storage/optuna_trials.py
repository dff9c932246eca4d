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
from sqlalchemy import or_, select

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

    from sqlalchemy import Column
    from sqlalchemy.orm import Session

AT_ONCE = 500  # trials named in one statement: databases bound how many values it may hold
ROW = (
    TRIALS.c.trial_id,
    TRIALS.c.number,
    TRIALS.c.state,
    TRIALS.c.datetime_start,
    TRIALS.c.datetime_complete,
)
distribution_of = lru_cache(json_to_distribution)  # a study has few


def read_trial(session: Session, trial_id: int) -> FrozenTrial:
    """Return a trial.

    Raises:
        KeyError: there is no trial with this id.
    """
    row = session.execute(select(*ROW).where(TRIALS.c.trial_id == trial_id)).one_or_none()
    if row is None:
        raise KeyError(f"no trial has id {trial_id}")
    return next(_trials(session, [row]))


def read_trials(
    session: Session, study_id: int, ids: Iterable[int], above: int
) -> list[FrozenTrial]:
    """Return the trials of a study with these ids or an id ``above`` one, in the order of ids."""
    in_study = select(*ROW).where(TRIALS.c.study_id == study_id)
    rows = {}
    for chunk in _chunks(ids) or [[]]:
        wanted = or_(TRIALS.c.trial_id > above, TRIALS.c.trial_id.in_(chunk))
        for row in session.execute(in_study.where(wanted)):
            rows[row.trial_id] = row
    ordered = [rows[key] for key in sorted(rows)]
    return [trial for chunk in _chunks(ordered) for trial in _trials(session, chunk)]


def _trials(session: Session, rows: Sequence[Any]) -> Iterator[FrozenTrial]:
    ids = [row.trial_id for row in rows]

    def details(order: Column[Any], *columns: Column[Any]) -> dict[int, list[Any]]:
        """Read columns of one table, by trial id."""
        trial_id = order.table.c.trial_id
        found = defaultdict(list)
        statement = select(trial_id, *columns).where(trial_id.in_(ids)).order_by(order)
        for key, *values in session.execute(statement):
            found[key].append(values)
        return found

    params = details(
        PARAMS.c.param_id, PARAMS.c.param_name, PARAMS.c.param_value, PARAMS.c.distribution_json
    )
    values = details(VALUES.c.objective, VALUES.c.value, VALUES.c.value_type)
    reports = details(
        REPORTS.c.step,
        REPORTS.c.step,
        REPORTS.c.intermediate_value,
        REPORTS.c.intermediate_value_type,
    )
    user_attrs = details(
        USER_ATTRS.c.trial_user_attribute_id, USER_ATTRS.c.key, USER_ATTRS.c.value_json
    )
    system_attrs = details(
        SYSTEM_ATTRS.c.trial_system_attribute_id, SYSTEM_ATTRS.c.key, SYSTEM_ATTRS.c.value_json
    )
    for key, number, state, started, completed in rows:
        distributions = {name: distribution_of(text) for name, _, text in params[key]}
        yield FrozenTrial(
            trial_id=key,
            number=number,
            state=state,
            value=None,
            values=[value_of(*value) for value in values[key]] or None,
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
