"""The ledger: what finished trials found, kept beside Optuna's tables and read without it.

A row is written by the objective before its trial ends. A worker may die in between, so a row only
counts where Optuna's row of the trial is COMPLETE or PRUNED; ``state`` is how the trial was about
to end.
"""

from __future__ import annotations

from dataclasses import dataclass
from json import dumps, loads
from math import isfinite
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, insert, select

from bcsearch.recipe import Params
from bcsearch.records import EpochScores, TrialState, best_epoch
from bcsearch.storage.attrs import RETRY_HISTORY, UUID
from bcsearch.storage.engine import transaction
from bcsearch.storage.optuna_private import TRIALS, USER_ATTRS, study_id_of
from bcsearch.storage.reconnect import retried
from bcsearch.storage.tables import LEDGER
from bcsearch.storage.trial_rows import FINISHED, UNFINISHED, write_constraint

if TYPE_CHECKING:
    from optuna import Study

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
        self._engine, self.outage = storage.engine, storage.outage
        self._study_id = study_id_of(study)
        self.uuid: str = study.user_attrs[UUID]

    @retried
    def record(self, entry: LedgerEntry) -> None:
        """Write what a trial found, in place of what an earlier attempt at it wrote.

        Every trial that ends tells the sampler, by the same key, whether it could be trained.
        """
        number = entry.trial_number
        mine = LEDGER.c.study_uuid == self.uuid, LEDGER.c.trial_number == number
        with transaction(self._engine) as session:
            session.execute(delete(LEDGER).where(*mine))
            session.execute(insert(LEDGER).values(study_uuid=self.uuid, **_row(entry)))
            if entry.state is not TrialState.RUNNING:
                infeasible = entry.state is TrialState.INFEASIBLE
                write_constraint(session, self._study_id, number, float(infeasible))

    @retried
    def entry_of(self, trial_number: int) -> LedgerEntry | None:
        """Return what a trial found; None when nothing was written."""
        mine = LEDGER.c.study_uuid == self.uuid, LEDGER.c.trial_number == trial_number
        with transaction(self._engine) as session:
            row = session.execute(select(LEDGER).where(*mine)).one_or_none()
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

    @retried
    def find_digest(self, digest: str) -> int | None:
        """Return the first finished trial with this digest of its params, completed ones first."""
        same = LEDGER.c.digest == digest, LEDGER.c.duplicate_of.is_(None)
        statement = (
            select(LEDGER.c.trial_number)
            .join(TRIALS, TRIALS.c.number == LEDGER.c.trial_number)
            .where(LEDGER.c.study_uuid == self.uuid, *same)
            .where(TRIALS.c.study_id == self._study_id, TRIALS.c.state.in_(FINISHED))
            .order_by(TRIALS.c.state, TRIALS.c.number)
        )
        with transaction(self._engine) as session:
            number: int | None = session.execute(statement).scalars().first()
        return number

    @retried
    def worst_first(self) -> list[int]:
        """Return the numbers of the completed trials, the lowest score first."""
        statement = (
            select(LEDGER.c.trial_number)
            .where(LEDGER.c.study_uuid == self.uuid)
            .where(LEDGER.c.state == TrialState.COMPLETE.value)
            .order_by(LEDGER.c.score)
        )
        with transaction(self._engine) as session:
            return list(session.execute(statement).scalars())

    @retried
    def going_on(self) -> set[int]:
        """Return the trials that run or wait, each by the number of its first attempt."""
        of_trial = USER_ATTRS.c.trial_id == TRIALS.c.trial_id
        statement = (
            select(TRIALS.c.number, USER_ATTRS.c.value_json)
            .outerjoin(USER_ATTRS, and_(of_trial, USER_ATTRS.c.key == RETRY_HISTORY))
            .where(TRIALS.c.study_id == self._study_id, TRIALS.c.state.in_(UNFINISHED))
        )
        with transaction(self._engine) as session:
            rows = session.execute(statement).all()
        first_attempts = {number for number, history in rows if history is None}
        return first_attempts | {loads(history)[0] for _, history in rows if history is not None}


def encode_epochs(epochs: tuple[EpochScores, ...]) -> str:
    """Return JSON: the ranking score, and [epoch, train loss, learning rate, scores] by epoch."""
    rows = [[e.epoch, e.train_loss, e.learning_rate, dict(e.scores)] for e in epochs]
    score = ""
    if epochs:
        score = epochs[0].score
    return dumps({"score": score, "epochs": rows}, separators=(",", ":"))


def decode_epochs(text: str) -> tuple[EpochScores, ...]:
    """Read what ``encode_epochs`` wrote, or earlier versions, which kept one unnamed score."""
    content = loads(text)
    if isinstance(content, list):
        named = [[*row[:3], {"score": row[3]}] for row in content]
        content = {"score": "score", "epochs": named}
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
    row = {
        "trial_number": entry.trial_number,
        "digest": entry.params.digest(),
        "params": dumps(dict(entry.params), sort_keys=True),
        "epochs": encode_epochs(entry.epochs),
        "train_seconds": entry.train_seconds,
        "total_seconds": entry.total_seconds,
        "duplicate_of": entry.duplicate_of,
        "state": entry.state.value,
    }
    if entry.epochs:
        row["best_epoch"] = entry.best.epoch
        if isfinite(entry.best.mean):
            row["score"] = entry.best.mean
    return row
