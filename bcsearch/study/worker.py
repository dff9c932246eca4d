"""One worker: claims slots of the budget and runs one trial in each until none is left."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from optuna.exceptions import TrialPruned, UpdateFinishedTrialError

from bcsearch.errors import StudyError
from bcsearch.objective.cross_validated import Abandoned, Infeasible, Released
from bcsearch.records.events import Listener, TrialLost
from bcsearch.storage.optuna_private import trial_id

if TYPE_CHECKING:
    from collections.abc import Callable

    import optuna

    from bcsearch.objective.cross_validated import Objective
    from bcsearch.storage import Slots, Storage
    from bcsearch.study.interrupts import Interrupts

IDLE_SECONDS = 1.0  # between looks at the slots while other workers hold them all
MOST_INFEASIBLE = 10  # in a row, after which something is wrong with more than the configurations


@dataclass(kw_only=True, eq=False)
class Worker:
    """Works on one study; many may do so at once, from any machine that reaches the storage.

    ``tell_progress`` is called after every trial, as others may have ended some too. ``grow`` adds
    a trial to the budget: it is for commands whose only limit is their time.
    """

    name: str
    study: optuna.Study
    storage: Storage
    slots: Slots
    objective: Objective
    interrupts: Interrupts
    listener: Listener
    tell_progress: Callable[[], None] = lambda: None
    check_there: Callable[[], None] = lambda: None  # raises where what it works on is gone
    most_trials: float = inf
    grow: Callable[[], None] | None = None
    _infeasible: int = 0

    def run(self) -> bool:
        """Run trials until the budget or the time is used up.

        False if it was stopped, or ran its most, before.

        Raises:
            StudyError: no configuration can be trained here.
        """
        n_run = 0
        while not self.interrupts.asked and n_run < self.most_trials:
            self.check_there()
            if not self._has_time():
                return True
            slot = self.slots.claim(self.name)
            if slot is not None:
                self._count_infeasible(self._run_trial(slot))
                n_run += 1
                self.tell_progress()
            elif self.grow is not None:
                self.grow()
            elif self._is_finished():
                return True
        return False

    def _is_finished(self) -> bool:
        """Whether the budget is used up, where no slot is free; otherwise await one."""
        if self.slots.counts().is_done:
            return self._clears_up()
        if not self.storage.fail_stale(self.study):
            time.sleep(IDLE_SECONDS)
        return False

    def _count_infeasible(self, reason: str) -> None:
        """Give up where many configurations in a row cannot be trained, the last for ``reason``."""
        self._infeasible += 1
        if not reason:
            self._infeasible = 0
        if self._infeasible == MOST_INFEASIBLE:
            raise StudyError(
                f"{MOST_INFEASIBLE} configurations in a row cannot be trained here, the last as "
                f"{reason}; narrow the space or use another machine, and go on with the same "
                "command"
            )

    def _has_time(self) -> bool:
        clock = self.interrupts.clock
        return clock is None or clock.allows_trial()

    def _clears_up(self) -> bool:
        """Wait until no trial runs: one that does beside full slots has lost its worker.

        False if the budget was raised meanwhile.
        """
        deadline = time.monotonic() + 2 * self.storage.grace_seconds
        while self.storage.runs_any(self.study) and time.monotonic() < deadline:
            if self.interrupts.asked:
                break
            self.storage.fail_stale(self.study)
            time.sleep(IDLE_SECONDS)
            if not self.slots.counts().is_done:
                return False
        self.storage.fail_strays(self.study)
        self.objective.context.artifacts.remove_checkpoints()
        return True

    def _run_trial(self, slot: int) -> str:
        """Run one trial; return why it cannot be trained, nothing where it can."""
        in_slot = _InSlot(self.slots, slot, self.storage, self.objective)
        try:
            self.study.optimize(in_slot, n_trials=1)
        except Released:
            return in_slot.reason
        except Abandoned as error:
            raise error.error from error.error.__cause__
        except Exception as error:
            # Optuna has no class of its own for a trial that another worker ended
            interrupted = error.__context__
            if isinstance(error, UnboundLocalError) and isinstance(interrupted, KeyboardInterrupt):
                raise interrupted from None  # it came as the end was stored, where Optuna stumbles
            if not in_slot.was_lost():
                raise
            self.listener(TrialLost(number=in_slot.number))
        finally:
            self.slots.give_back(slot)
        return in_slot.reason


class _InSlot:
    """One trial in one slot; remembers whether the objective itself failed."""

    def __init__(self, slots: Slots, slot: int, storage: Storage, objective: Objective) -> None:
        self._slots, self._slot, self._storage, self._objective = slots, slot, storage, objective
        self._trial_id = -1
        self.number = -1
        self.reason = ""  # why it cannot be trained
        self._error: Exception | None = None

    def __call__(self, trial: optuna.Trial) -> float:
        self._trial_id, self.number = trial_id(trial), trial.number
        if not self._slots.bind(self._slot, trial.number):
            self._storage.release(self._trial_id)
            raise Released
        try:
            return self._objective(trial)
        except Infeasible as error:
            self.reason = str(error)
            raise
        except TrialPruned:
            raise
        except Exception as error:
            self._error = error
            raise

    def was_lost(self) -> bool:
        """Whether an exception out of Optuna only says that another worker ended the trial first.

        Raises:
            Exception: the objective's own, which Optuna's complaint about a lost trial would hide.
        """
        if self._error is not None and not isinstance(self._error, UpdateFinishedTrialError):
            raise self._error
        if self._trial_id < 0:
            return False
        return self._storage.get_trial(self._trial_id).state.is_finished()
