"""Fills a study with finished trials by plain SQL, as if workers had run them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import distribution_to_json
from sqlalchemy import insert

from bcsearch.objective.suggest import suggest_values
from bcsearch.records import EpochScores
from bcsearch.storage.ledger import encode_epochs
from bcsearch.storage.optuna_private import (
    PARAMS,
    REPORTS,
    SYSTEM_ATTRS,
    TRIALS,
    VALUES,
    stored_value,
    study_id,
)
from bcsearch.storage.tables import LEDGER, SLOTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Table

    from bcsearch.config import Space
    from bcsearch.study.session import Session

N_FOLDS, N_DRAWN, ROWS = 5, 500, 20_000
BEGAN = datetime(2026, 1, 1)
_, FINITE = stored_value(0.0)
STATES = optuna.trial.TrialState


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One trial as it is stored: ids are numbers plus one, in an empty database."""

    number: int
    drawn: optuna.trial.FrozenTrial
    epochs: tuple[EpochScores, ...]

    @property
    def state(self) -> optuna.trial.TrialState:
        """Pruned where it ended early."""
        if len(self.epochs) > 3:
            return STATES.COMPLETE
        return STATES.PRUNED


def store_trials(session: Session, space: Space, n_trials: int) -> None:
    """Put ``n_trials`` finished trials into the first study of a database, in its first slots."""
    drawn = _draw(space)
    trials = [_trial(number, drawn[number % len(drawn)]) for number in range(n_trials)]
    uuid: str = session.study.user_attrs["bcsearch:uuid"]
    rows: dict[Table, Callable[[Stored], Iterator[dict[str, Any]]]] = {
        TRIALS: lambda trial: _trial_rows(trial, study_id(session.study)),
        PARAMS: _param_rows,
        SYSTEM_ATTRS: _attr_rows,
        REPORTS: _report_rows,
        VALUES: _value_rows,
        LEDGER: lambda trial: _ledger_rows(trial, uuid),
        SLOTS: lambda trial: iter(
            [{"study_uuid": uuid, "slot": trial.number, "trial_number": trial.number}]
        ),
    }
    with session.storage.engine.begin() as connection:
        connection.execute(SLOTS.delete().where(SLOTS.c.study_uuid == uuid))
        for table, make in rows.items():
            made = [row for trial in trials for row in make(trial)]
            for start in range(0, len(made), ROWS):
                connection.execute(insert(table), made[start : start + ROWS])
    session.set_budget(n_trials + 8, n_trials + 8)


def _draw(space: Space) -> list[optuna.trial.FrozenTrial]:
    sampler = optuna.samplers.RandomSampler(seed=0)
    study = optuna.create_study(sampler=sampler)
    for _ in range(N_DRAWN):
        trial = study.ask()
        suggest_values(trial, space)
    return study.get_trials(deepcopy=False)


def _trial(number: int, drawn: optuna.trial.FrozenTrial) -> Stored:
    random = Random(number)
    height = random.uniform(0.5, 0.9)
    n_epochs = random.choice((3, 3, 8, 12))
    epochs = tuple(
        EpochScores(
            epoch=epoch,
            score="accuracy",
            scores={"accuracy": _fold_scores(random, height * (1 - 0.5 ** (epoch + 1)))},
            train_loss=random.random(),
            learning_rate=1e-3,
        )
        for epoch in range(n_epochs)
    )
    return Stored(number=number, drawn=drawn, epochs=epochs)


def _fold_scores(random: Random, mean: float) -> tuple[float, ...]:
    return tuple(mean + random.gauss(0, 0.01) for _ in range(N_FOLDS))


def _trial_rows(trial: Stored, study_id: int) -> Iterator[dict[str, Any]]:
    started = BEGAN + timedelta(seconds=10 * trial.number)
    times = {"datetime_start": started, "datetime_complete": started + timedelta(seconds=9)}
    yield {
        "trial_id": trial.number + 1,
        "number": trial.number,
        "study_id": study_id,
        "state": trial.state,
        **times,
    }


def _param_rows(trial: Stored) -> Iterator[dict[str, Any]]:
    for name, value in trial.drawn.params.items():
        distribution = trial.drawn.distributions[name]
        yield {
            "trial_id": trial.number + 1,
            "param_name": name,
            "param_value": distribution.to_internal_repr(value),
            "distribution_json": distribution_to_json(distribution),
        }


def _attr_rows(trial: Stored) -> Iterator[dict[str, Any]]:
    """Make what the sampler keeps with a trial."""
    drawn = json.dumps(trial.drawn.params)
    yield {
        "trial_id": trial.number + 1,
        "key": "tpe:relative_params:0",
        "value_json": json.dumps(drawn),
    }


def _report_rows(trial: Stored) -> Iterator[dict[str, Any]]:
    for scores in trial.epochs:
        fields = {"intermediate_value": scores.mean, "intermediate_value_type": "FINITE"}
        yield {"trial_id": trial.number + 1, "step": scores.epoch, **fields}


def _value_rows(trial: Stored) -> Iterator[dict[str, Any]]:
    best = max(scores.mean for scores in trial.epochs)
    yield {"trial_id": trial.number + 1, "objective": 0, "value": best, "value_type": FINITE}


def _ledger_rows(trial: Stored, uuid: str) -> Iterator[dict[str, Any]]:
    best = max(trial.epochs, key=lambda scores: scores.mean)
    params: dict[str, Any] = trial.drawn.params
    yield {
        "study_uuid": uuid,
        "trial_number": trial.number,
        "digest": f"{trial.number:016x}",
        "params": json.dumps(params),
        "epochs": encode_epochs(trial.epochs),
        "best_epoch": best.epoch,
        "score": best.mean,
        "train_seconds": 8.0,
        "total_seconds": 9.0,
        "state": trial.state.name.lower(),
    }
