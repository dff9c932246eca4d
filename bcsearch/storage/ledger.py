"""The ledger: what finished trials found, kept beside Optuna's tables and read without it.

A row is written by the objective before its trial ends. A worker may die in between, so a row only
counts where Optuna's row of the trial says COMPLETE or PRUNED; ``state`` is how the trial meant to
end.
"""

from __future__ import annotations

from dataclasses import dataclass
from json import dumps, loads
from math import isfinite
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, insert, select

from bcsearch.recipe import Params
from bcsearch.records import EpochScores, TrialState, best_epoch
from bcsearch.storage.attrs import FAILED_TRIAL, UUID
from bcsearch.storage.engine import transaction
from bcsearch.storage.optuna_private import TRIALS, USER_ATTRS, study_id
from bcsearch.storage.reconnect import reconnecting
from bcsearch.storage.tables import LEDGER, REPEATS
from bcsearch.storage.trial_rows import FINISHED, UNFINISHED, write_constraint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optuna import Study
    from sqlalchemy import ColumnElement

    from bcsearch.storage.rdb import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """What one trial found; no epochs where it is infeasible, or RUNNING and its last attempt.

    ``duplicate_of`` names the trial whose scores it repeats without training.
    """

    trial_number: int
    params: Params
    epochs: tuple[EpochScores, ...]
    state: TrialState
    train_seconds: float
    total_seconds: float
    duplicate_of: int | None = None

    @property
    def best(self) -> EpochScores:
        """The epoch with the highest fold mean, the earliest on a tie."""
        return best_epoch(self.epochs)


class Ledger:
    """The ledger of one study, keyed by the ``uuid`` in its user attributes."""

    def __init__(self, storage: Storage, study: Study) -> None:
        self._engine = storage.engine
        self.outage = storage.outage
        self._study_id = study_id(study)
        self.uuid: str = study.user_attrs[UUID]

    @reconnecting
    def record(self, entry: LedgerEntry) -> None:
        """Write what a trial found, over what an earlier try of the same trial wrote.

        Every trial that ends also writes for the sampler whether it is feasible, by the same key.
        """
        with transaction(self._engine) as session:
            session.execute(delete(LEDGER).where(self._is(entry.trial_number)))
            session.execute(insert(LEDGER).values(study_uuid=self.uuid, **_row(entry)))
            if entry.state is not TrialState.RUNNING:
                infeasible = entry.state is TrialState.INFEASIBLE
                write_constraint(session, self._study_id, entry.trial_number, float(infeasible))

    @reconnecting
    def entry_of(self, trial_number: int) -> LedgerEntry | None:
        """Return what a trial found; None when nothing was written."""
        with transaction(self._engine) as session:
            row = session.execute(select(LEDGER).where(self._is(trial_number))).one_or_none()
        if row is None:
            return None
        return LedgerEntry(
            trial_number=row.trial_number,
            params=stored_params(row.params),
            epochs=decode_epochs(row.epochs),
            state=TrialState(row.state),
            train_seconds=row.train_seconds,
            total_seconds=row.total_seconds,
            duplicate_of=row.duplicate_of,
        )

    @reconnecting
    def find_digest(self, digest: str) -> int | None:
        """Return the first finished trial with this digest of its params.

        Completed trials come before pruned ones.
        """
        in_study = and_(
            TRIALS.c.study_id == self._study_id, TRIALS.c.number == LEDGER.c.trial_number
        )
        same = (
            LEDGER.c.study_uuid == self.uuid,
            LEDGER.c.digest == digest,
            LEDGER.c.duplicate_of.is_(None),
            TRIALS.c.state.in_(FINISHED),
        )
        found = select(LEDGER.c.trial_number).join(TRIALS, in_study).where(*same)
        first = found.order_by(TRIALS.c.state, TRIALS.c.number)
        with transaction(self._engine) as session:
            return session.execute(first).scalars().first()

    @reconnecting
    def completed(self, digest: str) -> list[int]:
        """Return the completed trials with this digest of their params, by their numbers."""
        same = LEDGER.c.study_uuid == self.uuid, LEDGER.c.digest == digest
        complete = LEDGER.c.state == TrialState.COMPLETE.value
        found = select(LEDGER.c.trial_number).where(*same, complete)
        with transaction(self._engine) as session:
            return list(session.execute(found.order_by(LEDGER.c.trial_number)).scalars())

    @reconnecting
    def worst_first(self) -> list[int]:
        """Return the numbers of the completed trials, the lowest score first."""
        in_study = select(LEDGER.c.trial_number).where(LEDGER.c.study_uuid == self.uuid)
        completed = in_study.where(LEDGER.c.state == TrialState.COMPLETE.value)
        with transaction(self._engine) as session:
            return list(session.execute(completed.order_by(LEDGER.c.score)).scalars())

    @reconnecting
    def recent_seconds(self) -> float:
        """Return for how long the last ten trials were trained on the mean, in seconds, or 0.

        What was computed once for all trials is not in it.
        """
        trained = LEDGER.c.study_uuid == self.uuid, LEDGER.c.duplicate_of.is_(None)
        last = select(LEDGER.c.train_seconds).where(*trained)
        last = last.order_by(LEDGER.c.trial_number.desc()).limit(10)
        with transaction(self._engine) as session:
            seconds = session.execute(last).scalars().all()
        return float(sum(seconds)) / max(1, len(seconds))

    @reconnecting
    def search_seconds(self) -> float:
        """Return for how many seconds one trial or more was running, by the clock."""
        times = TRIALS.c.datetime_start, TRIALS.c.datetime_complete
        ended = TRIALS.c.study_id == self._study_id, TRIALS.c.state.in_(FINISHED)
        rows = select(*times).where(*ended, *(each.is_not(None) for each in times))
        seconds, until = 0.0, None
        with transaction(self._engine) as session:
            for begun, over in session.execute(rows.order_by(TRIALS.c.datetime_start)):
                begun = begun if until is None else max(begun, until)
                seconds += max(0.0, (over - begun).total_seconds())
                until = over if until is None else max(over, until)
        return seconds

    @reconnecting
    def record_repeat(
        self, trial: int, repeat: int, scores: Mapping[str, tuple[float, ...]], seconds: float
    ) -> None:
        """Write what a trial scored in a repeat, counted from 1, by name and fold."""
        key = {"study_uuid": self.uuid, "trial_number": trial, "repeat": repeat}
        same = [REPEATS.c[name] == value for name, value in key.items()]
        content = {**key, "scores": dumps(dict(scores)), "seconds": seconds}
        with transaction(self._engine) as session:
            session.execute(delete(REPEATS).where(*same))
            session.execute(insert(REPEATS).values(**content))

    @reconnecting
    def repeats(self) -> dict[tuple[int, int], float]:
        """Return how many seconds each repeat took, by trial and number of the repeat."""
        columns = REPEATS.c.trial_number, REPEATS.c.repeat, REPEATS.c.seconds
        rows = select(*columns).where(REPEATS.c.study_uuid == self.uuid)
        with transaction(self._engine) as session:
            found = session.execute(rows).all()
        return {(trial, repeat): seconds for trial, repeat, seconds in found}

    @reconnecting
    def going_on(self) -> set[int]:
        """Return the trials that run or wait, each by the number of its first attempt."""
        of_trial = USER_ATTRS.c.trial_id == TRIALS.c.trial_id
        is_retry = and_(of_trial, USER_ATTRS.c.key == FAILED_TRIAL)
        trials = select(TRIALS.c.number, USER_ATTRS.c.value_json).outerjoin(USER_ATTRS, is_retry)
        unfinished = TRIALS.c.study_id == self._study_id, TRIALS.c.state.in_(UNFINISHED)
        with transaction(self._engine) as session:
            rows = session.execute(trials.where(*unfinished)).all()
        return {int(first_attempt or number) for number, first_attempt in rows}

    def _is(self, trial_number: int) -> ColumnElement[bool]:
        return and_(LEDGER.c.study_uuid == self.uuid, LEDGER.c.trial_number == trial_number)


def encode_epochs(epochs: tuple[EpochScores, ...]) -> str:
    """Return JSON: the ranking score, and of each epoch number, train loss, rate and scores."""
    ranking = ""
    if epochs:
        ranking = epochs[0].score
    rows = [[e.epoch, e.train_loss, e.learning_rate, dict(e.scores)] for e in epochs]
    return dumps({"score": ranking, "epochs": rows}, separators=(",", ":"))


def decode_epochs(text: str) -> tuple[EpochScores, ...]:
    """Read what ``encode_epochs`` wrote.

    Earlier versions kept one score without its name, by default accuracy.
    """
    content = loads(text)
    if isinstance(content, list):
        named = [[*row[:3], {"accuracy": row[3]}] for row in content]
        content = {"score": "accuracy", "epochs": named}
    if any(content["score"] not in scores for *_, scores in content["epochs"]):
        raise ValueError(f"epochs without {content['score']}")
    return tuple(
        EpochScores(
            epoch=epoch,
            score=content["score"],
            scores={name: tuple(folds) for name, folds in scores.items()},
            train_loss=loss,
            learning_rate=rate,
        )
        for epoch, loss, rate, scores in content["epochs"]
    )


def stored_params(text: str) -> Params:
    """Read a configuration as it was kept.

    Parameters that this version does not know are left out.
    """
    known = set(Params()) | {"activation", "dropout"}
    given = {name: value for name, value in loads(text).items() if name in known}
    if "dropout_1" not in given:  # earlier versions had one dropout, behind hidden layers only
        given.setdefault("dropout_0", 0.0)
    return Params(**given)


def _row(entry: LedgerEntry) -> dict[str, Any]:
    epoch = score = None
    if entry.epochs:
        epoch = entry.best.epoch
        if isfinite(entry.best.mean):
            score = entry.best.mean
    return {
        "trial_number": entry.trial_number,
        "digest": entry.params.digest(),
        "params": dumps(dict(entry.params), sort_keys=True),
        "epochs": encode_epochs(entry.epochs),
        "best_epoch": epoch,
        "score": score,
        "train_seconds": entry.train_seconds,
        "total_seconds": entry.total_seconds,
        "duplicate_of": entry.duplicate_of,
        "state": entry.state.value,
    }
