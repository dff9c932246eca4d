"""One worker: claims slots of the budget and runs one trial in each until none is left. Imports optuna."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from optuna.exceptions import TrialPruned, UpdateFinishedTrialError

from bcsearch.errors import StudyError
from bcsearch.objective.cross_validated import Abandoned, Infeasible, Released
from bcsearch.records.events import Listener, TrialLost

if TYPE_CHECKING:
    import optuna

    from bcsearch.objective.cross_validated import Objective
    from bcsearch.storage import Slots, Storage
    from bcsearch.study.interrupts import Interrupts

IDLE_SECONDS = 1.0  # between looks at the slots while other workers hold them all
MOST_INFEASIBLE = (
    10  # one after another, after which something is wrong with more than the configurations
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Worker:
    """Works on one study; many may do so at once, from any machine that reaches the storage."""

    name: str
    study: optuna.Study
    storage: Storage
    slots: Slots
    objective: Objective
    interrupts: Interrupts
    listener: Listener
    most_trials: float = inf

    def run(self) -> bool:
        """Run trials until the budget is used up; False if the user stopped it, or it ran its most, before.

        Raises:
            StudyError: no configuration can be trained here.
        """
        left, infeasible = self.most_trials, 0
        while not self.interrupts.asked and left > 0:
            slot = self.slots.claim(self.name)
            if slot is not None:
                attempt = self._run_trial(slot)
                infeasible = infeasible + 1 if attempt.reason else 0
                if infeasible == MOST_INFEASIBLE:
                    raise StudyError(
                        f"{infeasible} configurations in a row cannot be trained here, the last as {attempt.reason}; "
                        "narrow the space or use another machine, and go on with the same command"
                    )
                left -= 1
            elif self.slots.counts().is_done:
                if self._clears_up():
                    return True
            elif not self.storage.fail_stale(self.study):
                time.sleep(IDLE_SECONDS)
        return False

    def _clears_up(self) -> bool:
        """Wait until no trial runs: with all slots filled, one that does has lost its worker before it took a slot.

        False if the budget was raised meanwhile.
        """
        deadline = time.monotonic() + 2 * self.storage.grace_seconds
        while (
            self.storage.runs_any(self.study)
            and not self.interrupts.asked
            and time.monotonic() < deadline
        ):
            self.storage.fail_stale(self.study)
            time.sleep(IDLE_SECONDS)
            if not self.slots.counts().is_done:
                return False
        self.objective.artifacts.remove_checkpoints()
        return True

    def _run_trial(self, slot: int) -> _Attempt:
        attempt = _Attempt(self.slots, slot, self.storage, self.objective)
        try:
            self.study.optimize(attempt, n_trials=1)
        except Released:
            pass
        except Abandoned as error:
            raise error.error from error.error.__cause__
        except (
            Exception
        ) as error:  # Optuna has no class of its own for a trial that another worker ended
            if isinstance(error, UnboundLocalError) and isinstance(
                error.__context__, KeyboardInterrupt
            ):
                raise error.__context__ from None  # it came as the end was told, and Optuna stumbles over it there
            if not attempt.was_lost():
                raise
            self.listener(TrialLost(number=attempt.number))
        finally:
            self.slots.give_back(slot)
        return attempt


class _Attempt:
    """One trial in one slot; remembers whether the objective itself failed."""

    def __init__(self, slots: Slots, slot: int, storage: Storage, objective: Objective) -> None:
        self._slots, self._slot, self._storage, self._objective = slots, slot, storage, objective
        self._trial_id = -1
        self.number = -1
        self.reason = ""  # why it cannot be trained
        self._error: Exception | None = None

    def __call__(self, trial: optuna.Trial) -> float:
        self._trial_id, self.number = trial._trial_id, trial.number
        if not self._slots.bind(self._slot, trial.number):
            self._storage.release(trial._trial_id)
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
        return self._trial_id >= 0 and self._storage.get_trial(self._trial_id).state.is_finished()
