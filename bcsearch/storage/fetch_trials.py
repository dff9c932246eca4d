"""Optuna's trials read by plain SQL: six statements for up to hundreds of trials.

Every worker reads what all others write, so with many of them most of what a trial costs is this
reading. Optuna's mapped objects take about three times as long.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC
from functools import lru_cache
from json import loads
from typing import TYPE_CHECKING, Any, TypeVar

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

    from sqlalchemy.orm import Session

Item = TypeVar("Item")
distribution_of = lru_cache(json_to_distribution)  # a study has few

_HEAD = select(
    TRIALS.c.trial_id,
    TRIALS.c.number,
    TRIALS.c.state,
    TRIALS.c.datetime_start,
    TRIALS.c.datetime_complete,
)
_DETAILS = {  # the table, the column that rows are ordered by, the columns that are read
    table.name: select(table.c.trial_id, *(table.c[name] for name in names))
    .where(table.c.trial_id.in_(bindparam("ids", expanding=True)))
    .order_by(table.c[order])
    for table, order, *names in (
        (PARAMS, "param_id", "param_name", "param_value", "distribution_json"),
        (VALUES, "objective", "value", "value_type"),
        (REPORTS, "step", "step", "intermediate_value", "intermediate_value_type"),
        (USER_ATTRS, "trial_user_attribute_id", "key", "value_json"),
        (SYSTEM_ATTRS, "trial_system_attribute_id", "key", "value_json"),
    )
}


def fetch_one(session: Session, trial_id: int) -> FrozenTrial:
    """Return a trial. Raises KeyError where there is none, as Optuna's storages do."""
    heads = session.execute(_HEAD.where(TRIALS.c.trial_id == trial_id)).all()
    for trial in _with_details(session, heads):
        return trial
    raise KeyError(f"no trial has id {trial_id}")


def fetch_many(
    session: Session, study_id: int, ids: Iterable[int], above: int
) -> list[FrozenTrial]:
    """Return the trials of a study with these ids or an id above one, ordered by id."""
    of_study = _HEAD.where(TRIALS.c.study_id == study_id)
    heads = {}
    for chunk in _chunks(list(ids)) or [[]]:
        wanted = or_(TRIALS.c.trial_id > above, TRIALS.c.trial_id.in_(chunk))
        for head in session.execute(of_study.where(wanted)):
            heads[head.trial_id] = head
    trials: list[FrozenTrial] = []
    for part in _chunks([heads[trial_id] for trial_id in sorted(heads)]):
        trials += _with_details(session, part)
    return trials


def _with_details(session: Session, heads: Sequence[Any]) -> Iterator[FrozenTrial]:
    rows: dict[tuple[str, int], list[Any]] = defaultdict(list)
    if heads:
        ids = [head.trial_id for head in heads]
        for table, statement in _DETAILS.items():
            for trial_id, *row in session.execute(statement, {"ids": ids}):
                rows[table, trial_id].append(row)
    for head in heads:
        values, reports, params, user_attrs, system_attrs = (
            rows[table.name, head.trial_id]
            for table in (VALUES, REPORTS, PARAMS, USER_ATTRS, SYSTEM_ATTRS)
        )
        distributions = {name: distribution_of(text) for name, _, text in params}
        yield FrozenTrial(
            trial_id=head.trial_id,
            number=head.number,
            state=head.state,
            value=None,
            values=[value_of(*value) for value in values] or None,
            datetime_start=_local(head.datetime_start),
            datetime_complete=_local(head.datetime_complete),
            params={name: distributions[name].to_external_repr(value) for name, value, _ in params},
            distributions=distributions,
            user_attrs={name: loads(text) for name, text in user_attrs},
            system_attrs={name: loads(text) for name, text in system_attrs},
            intermediate_values={step: report_of(*report) for step, *report in reports},
        )


def _local(time: datetime | None) -> datetime | None:
    """Return a stored time, UTC, as Optuna gives it: local, without its zone."""
    if time is None:
        return None
    return time.replace(tzinfo=UTC).astimezone().replace(tzinfo=None)


def _chunks(items: Sequence[Item], size: int = 500) -> list[Sequence[Item]]:
    """Split what one statement names: databases limit how many values it may hold."""
    return [items[start : start + size] for start in range(0, len(items), size)]
