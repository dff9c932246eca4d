"""The exact budget of a study: one row for each trial wanted, over all workers.

A slot stores who claimed it, when, and the number of the trial that fills it; its state is derived,
in one expression, from that and from Optuna's row of the trial, so nothing has to be kept in step:

* finished: its trial is COMPLETE or PRUNED.
* running: its trial is RUNNING.
* claimed: no trial yet, claimed less than the grace period ago.
* free: everything else. A trial that failed, was released or deleted frees its slot at that moment,
  and so does a claim that came to nothing, whoever died in between.

Two rules make the count exact. A slot holds one trial number and a number stands in one slot (a
unique constraint); and a row is only changed if its ``version`` is still the one that was read. A
worker claims a slot, asks for a trial, and as the first act of the objective binds the trial's
number; where ``bind`` says no, the slot was taken meanwhile, and the trial must be released.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from random import SystemRandom
from typing import TYPE_CHECKING

from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState
from sqlalchemy import and_, case, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from bcsearch.storage.attrs import UUID
from bcsearch.storage.engine import changes_one, stale_before, transaction
from bcsearch.storage.optuna_private import TRIALS, study_id
from bcsearch.storage.reconnect import reconnecting
from bcsearch.storage.tables import SLOTS
from bcsearch.storage.trial_rows import FINISHED

if TYPE_CHECKING:
    from optuna import Study
    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from bcsearch.storage.rdb import Storage


class SlotState(StrEnum):
    """What a slot is, derived anew on every look."""

    FREE = "free"
    CLAIMED = "claimed"
    RUNNING = "running"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotCounts:
    """How many slots of a study are in which state."""

    free: int
    claimed: int
    running: int
    finished: int

    @property
    def total(self) -> int:
        """The budget."""
        return self.free + self.claimed + self.running + self.finished

    @property
    def is_done(self) -> bool:
        """Whether every slot is finished; a study that is just being made has none yet."""
        return 0 < self.total == self.finished


class Slots:
    """The slots of one study, keyed by the uuid in its user attributes."""

    def __init__(self, storage: Storage, study: Study) -> None:
        self._engine = storage.engine
        self.outage = storage.outage
        self._grace_seconds = storage.grace_seconds
        self._study_id = study_id(study)
        self._uuid: str = study.user_attrs[UUID]
        self._bound: set[int] = set()

    @reconnecting
    def ensure_slots(self, wanted: int) -> None:
        """Make the budget ``wanted``: add rows, or remove free ones.

        A trial that runs or finished keeps its slot.
        """
        for _ in range(8):
            try:
                with transaction(self._engine) as session:
                    self._resize(session, wanted)
            except IntegrityError:  # another worker made the same rows
                continue
            return
        raise StorageInternalError(f"the slots of study {self._uuid} could not be made")

    @reconnecting
    def claim(self, worker: str) -> int | None:
        """Claim a free slot for ``worker``; None when there is none.

        It is one of several free ones, by chance, so that workers seldom want the same one.
        """
        claimed = {**_cleared(), "claimed_by": worker, "claimed_at": func.now()}
        while True:
            with transaction(self._engine) as session:
                found = self._states(session).subquery()
                free = select(found.c.slot, found.c.version).where(
                    found.c.state == SlotState.FREE.value
                )
                candidates = session.execute(free.order_by(found.c.slot).limit(32)).all()
                if not candidates:
                    return None
                # one in each transaction: two workers might wait for each other
                slot, version = SystemRandom().choice(candidates)
                unchanged = self._unchanged(slot, version)
                is_ours = changes_one(session, update(SLOTS).where(unchanged).values(claimed))
            if is_ours:
                self._bound.discard(slot)
                return int(slot)

    @reconnecting
    def bind(self, slot: int, trial_number: int) -> bool:
        """Write the trial that fills a claimed slot.

        False when another trial does: then release this one.
        """
        with transaction(self._engine) as session:
            elsewhere = and_(self._mine, SLOTS.c.trial_number == trial_number, SLOTS.c.slot != slot)
            # the trial may have been released in another slot before
            session.execute(update(SLOTS).where(elsewhere).values(_cleared()))
            vacant = or_(SLOTS.c.trial_number.is_(None), SLOTS.c.trial_number == trial_number)
            bound = update(SLOTS).where(self._mine, SLOTS.c.slot == slot, vacant)
            changes = {"trial_number": trial_number, "version": SLOTS.c.version + 1}
            if not changes_one(session, bound.values(changes)):
                return False
        self._bound.add(slot)
        return True

    @reconnecting
    def give_back(self, slot: int) -> None:
        """Free a claimed slot at once when no trial came of it.

        One that was bound here may be another's by now.
        """
        if slot in self._bound:
            return
        with transaction(self._engine) as session:
            unbound = and_(self._mine, SLOTS.c.slot == slot, SLOTS.c.trial_number.is_(None))
            session.execute(update(SLOTS).where(unbound).values(_cleared()))

    @reconnecting
    def counts(self) -> SlotCounts:
        """Count the slots by state."""
        with transaction(self._engine) as session:
            states = Counter(row.state for row in session.execute(self._states(session)))
        return SlotCounts(**{str(state): states[state.value] for state in SlotState})

    @property
    def _mine(self) -> ColumnElement[bool]:
        return SLOTS.c.study_uuid == self._uuid

    def _unchanged(self, slot: int, version: int) -> ColumnElement[bool]:
        return and_(self._mine, SLOTS.c.slot == slot, SLOTS.c.version == version)

    def _states(self, session: Session) -> Select[tuple[int, int, str]]:
        """Select slot, version and state of every slot."""
        cutoff = stale_before(session, self._grace_seconds)
        awaits_trial = and_(SLOTS.c.trial_number.is_(None), SLOTS.c.claimed_at >= cutoff)
        state = case(
            (self._has_trial(*FINISHED), SlotState.FINISHED.value),
            (self._has_trial(TrialState.RUNNING), SlotState.RUNNING.value),
            (awaits_trial, SlotState.CLAIMED.value),
            else_=SlotState.FREE.value,
        )
        return select(SLOTS.c.slot, SLOTS.c.version, state.label("state")).where(self._mine)

    def _has_trial(self, *states: TrialState) -> ColumnElement[bool]:
        # a set of numbers, not a join: Optuna has no index on numbers, and SQLite would scan its
        # trials for each slot
        numbers = select(TRIALS.c.number).where(TRIALS.c.study_id == self._study_id)
        return SLOTS.c.trial_number.in_(numbers.where(TRIALS.c.state.in_(states)))

    def _resize(self, session: Session, wanted: int) -> None:
        rows = session.execute(self._states(session)).all()
        surplus = len(rows) - wanted
        if surplus < 0:
            used = {row.slot for row in rows}
            unused = [slot for slot in range(wanted) if slot not in used][:-surplus]
            missing = [{"study_uuid": self._uuid, "slot": slot} for slot in unused]
            session.execute(insert(SLOTS), missing)
            return
        free = sorted((row for row in rows if row.state == SlotState.FREE), reverse=True)
        for row in free[:surplus]:
            unchanged = self._unchanged(row.slot, row.version)
            session.execute(delete(SLOTS).where(unchanged))


def _cleared() -> dict[str, object]:
    return {
        "trial_number": None,
        "claimed_by": None,
        "claimed_at": None,
        "version": SLOTS.c.version + 1,
    }
