"""Which parameters a sampler drew without what earlier trials taught. Imports sqlalchemy, optuna.

A sampler that learns draws a parameter from what finished trials had; a name that none of them had yet is drawn by
itself. Read by plain SQL, with the params of few trials only: names are new at the start of a study.
"""

from __future__ import annotations

from collections import Counter
from json import loads
from typing import TYPE_CHECKING, Any

from optuna.distributions import json_to_distribution
from sqlalchemy import func, or_, select

from bcsearch.storage.attrs import RETRY_HISTORY
from bcsearch.storage.optuna_tables import PARAMS, STUDIES, SYSTEM_ATTRS, TRIALS, USER_ATTRS
from bcsearch.storage.read import reading
from bcsearch.storage.retry import ASKED
from bcsearch.storage.trial_rows import FINISHED

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


def independent_draws(source: str, name: str, startup_trials: int) -> dict[str, int]:
    """Count, by parameter, the draws after ``startup_trials`` trials had finished that no finished trial preceded.

    What a start point fixed, what a retry repeats, and parameters of one value are not drawn and not counted.
    """
    with reading(source) as connection:
        study_id = connection.execute(
            select(STUDIES.c.study_id).where(STUDIES.c.study_name == name)
        ).scalar_one()
        learns = _finished_at(connection, study_id, startup_trials)
        if learns is None:
            return {}
        first = _first_finished(connection, study_id)
        return dict(sorted(_count(connection, study_id, learns, first).items()))


def _finished_at(connection: Connection, study_id: int, n_trials: int) -> datetime | None:
    """Return when so many trials had finished; None while they have not."""
    ended = (
        select(TRIALS.c.datetime_complete)
        .where(
            TRIALS.c.study_id == study_id,
            TRIALS.c.state.in_(FINISHED),
            TRIALS.c.datetime_complete.is_not(None),
        )
        .order_by(TRIALS.c.datetime_complete)
    )
    found: datetime | None = connection.execute(
        ended.offset(n_trials - 1).limit(1)
    ).scalar_one_or_none()
    return found


def _first_finished(connection: Connection, study_id: int) -> dict[str, datetime]:
    """Return when the first trial that had a parameter finished, by parameter."""
    earliest = (
        select(PARAMS.c.param_name, func.min(TRIALS.c.datetime_complete))
        .join(TRIALS, TRIALS.c.trial_id == PARAMS.c.trial_id)
        .where(TRIALS.c.study_id == study_id, TRIALS.c.state.in_(FINISHED))
        .group_by(PARAMS.c.param_name)
    )
    return {name: ended for name, ended in connection.execute(earliest) if ended is not None}


def _count(
    connection: Connection, study_id: int, learns: datetime, first: dict[str, datetime]
) -> Counter[str]:
    late = TRIALS.c.datetime_start < max(first.values(), default=learns)
    suspects = (
        select(TRIALS.c.trial_id)
        .where(TRIALS.c.study_id == study_id, TRIALS.c.datetime_start > learns)
        .where(or_(late, TRIALS.c.state.not_in(FINISHED)))
    )
    repeated = USER_ATTRS.c.trial_id.in_(suspects), USER_ATTRS.c.key == RETRY_HISTORY
    retries = set(connection.execute(select(USER_ATTRS.c.trial_id).where(*repeated)).scalars())
    fixed = _fixed(connection, suspects)
    drawn = (
        select(
            PARAMS.c.trial_id,
            PARAMS.c.param_name,
            PARAMS.c.distribution_json,
            TRIALS.c.datetime_start,
        )
        .join(TRIALS, TRIALS.c.trial_id == PARAMS.c.trial_id)
        .where(PARAMS.c.trial_id.in_(suspects))
    )
    return Counter(
        name
        for trial_id, name, distribution, started in connection.execute(drawn)
        if (name not in first or started < first[name])
        and trial_id not in retries
        and name not in fixed.get(trial_id, ())
        and not json_to_distribution(distribution).single()
    )


def _fixed(connection: Connection, suspects: Any) -> dict[int, dict[str, Any]]:
    """Return what start points fixed, by trial id."""
    asked = select(SYSTEM_ATTRS.c.trial_id, SYSTEM_ATTRS.c.value_json)
    rows = connection.execute(
        asked.where(SYSTEM_ATTRS.c.trial_id.in_(suspects), SYSTEM_ATTRS.c.key == ASKED)
    )
    return {trial_id: loads(text) for trial_id, text in rows}
