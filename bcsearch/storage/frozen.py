"""Optuna's trials read back by plain SQL: six statements for up to hundreds of trials.

Imports sqlalchemy, optuna.

Every worker reads what every other one writes, so with many of them most of what a trial costs is
this reading; by Optuna's mapped objects it takes about three times as long.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC
from functools import lru_cache
from json import loads
from typing import TYPE_CHECKING, Any, TypeVar

from optuna.distributions import json_to_distribution
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial
from sqlalchemy import bindparam, or_, select

from bcsearch.storage.optuna_tables import PARAMS, REPORTS, SYSTEM_ATTRS, TRIALS, USER_ATTRS, VALUES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Select, Table
    from sqlalchemy.orm import Session

Item = TypeVar("Item")
AT_ONCE = 500  # trials named in one statement: databases bound how many values it may hold
value_of = models.TrialValueModel.stored_repr_to_value
report_of = models.TrialIntermediateValueModel.stored_repr_to_intermediate_value
distribution_of = lru_cache(json_to_distribution)  # a study has few


def _details(table: Table, order: str, *names: str) -> Select[Any]:
    """Select what a table holds of the trials ``ids``."""
    columns = (table.c[name] for name in names)
    mine = table.c.trial_id.in_(bindparam("ids", expanding=True))
    return select(table.c.trial_id, *columns).where(mine).order_by(table.c[order])


HEADS = (
    select(
        TRIALS.c.trial_id,
        TRIALS.c.number,
        TRIALS.c.state,
        TRIALS.c.datetime_start,
        TRIALS.c.datetime_complete,
    )
    .where(TRIALS.c.study_id == bindparam("study_id"))
    .where(
        or_(
            TRIALS.c.trial_id > bindparam("above"),
            TRIALS.c.trial_id.in_(bindparam("ids", expanding=True)),
        )
    )
)
HEAD = select(*HEADS.selected_columns).where(TRIALS.c.trial_id == bindparam("trial_id"))
PARAMS_OF = _details(PARAMS, "param_id", "param_name", "param_value", "distribution_json")
VALUES_OF = _details(VALUES, "objective", "value", "value_type")
REPORTS_OF = _details(REPORTS, "step", "step", "intermediate_value", "intermediate_value_type")
USER_ATTRS_OF = _details(USER_ATTRS, "trial_user_attribute_id", "key", "value_json")
SYSTEM_ATTRS_OF = _details(SYSTEM_ATTRS, "trial_system_attribute_id", "key", "value_json")


def read_one(session: Session, trial_id: int) -> FrozenTrial | None:
    """Return a trial; None where there is none with this id."""
    heads = session.execute(HEAD, {"trial_id": trial_id}).all()
    return next(iter(_frozen(session, heads)), None)


def read_many(session: Session, study_id: int, ids: Iterable[int], above: int) -> list[FrozenTrial]:
    """Return the trials of a study with these ids, and those with an id above one, in the order of ids."""
    heads = {}
    for chunk in _chunks(list(ids)) or [[]]:
        for head in session.execute(HEADS, {"study_id": study_id, "ids": chunk, "above": above}):
            heads[head.trial_id] = head
    return [
        trial
        for chunk in _chunks([heads[key] for key in sorted(heads)])
        for trial in _frozen(session, chunk)
    ]


def _frozen(session: Session, heads: Sequence[Any]) -> list[FrozenTrial]:
    ids = [head.trial_id for head in heads]
    if not ids:
        return []
    params, values, reports, user_attrs, system_attrs = (
        _by_trial(session.execute(statement, {"ids": ids}))
        for statement in (PARAMS_OF, VALUES_OF, REPORTS_OF, USER_ATTRS_OF, SYSTEM_ATTRS_OF)
    )
    return [
        FrozenTrial(
            trial_id=key,
            number=number,
            state=state,
            value=None,
            values=[value_of(value, kind) for value, kind in values[key]] or None,
            datetime_start=_local(started),
            datetime_complete=_local(ended),
            params={
                name: distribution_of(text).to_external_repr(value)
                for name, value, text in params[key]
            },
            distributions={name: distribution_of(text) for name, _, text in params[key]},
            user_attrs={name: loads(text) for name, text in user_attrs[key]},
            system_attrs={name: loads(text) for name, text in system_attrs[key]},
            intermediate_values={
                step: report_of(value, kind) for step, value, kind in reports[key]
            },
        )
        for key, number, state, started, ended in heads
    ]


def _local(time: datetime | None) -> datetime | None:
    """Return a stored time, UTC, as Optuna gives it: local, without its zone."""
    return None if time is None else time.replace(tzinfo=UTC).astimezone().replace(tzinfo=None)


def _by_trial(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for trial_id, *rest in rows:
        found[trial_id].append(rest)
    return found


def _chunks(items: Sequence[Item]) -> list[Sequence[Item]]:
    return [items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE)]
