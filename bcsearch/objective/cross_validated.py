"""The objective: runs one trial, and says how it ended: scored, pruned, infeasible, released."""

from __future__ import annotations

import optuna
from optuna.exceptions import StorageInternalError

from bcsearch.errors import BcsearchError, ConfigError, InfeasibleError
from bcsearch.objective.attempt import Attempt, Context
from bcsearch.records.events import TrialLost, TrialReleased
from bcsearch.storage.optuna_private import trial_id


class Infeasible(optuna.TrialPruned):
    """The trial ended since its configuration cannot be trained; the text says why."""


class Abandoned(BaseException):
    """The database is gone, so nobody can be told how the trial ended; ``error`` says why."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Released(BaseException):
    """The running trial went back to waiting, because the run should end."""


class Objective:
    """Runs trials of one study: suggests, trains, reports, records.

    Sees no framework but Optuna.
    """

    def __init__(self, context: Context) -> None:
        self.context = context

    def __call__(self, trial: optuna.Trial) -> float:
        """Run one trial and return the best fold mean, higher is better.

        Raises:
            optuna.TrialPruned: the pruner stopped it.
            Infeasible: it cannot be trained; the sampler will avoid its like.
            Released: the user stopped the run; the trial waits again, with its number and
                parameters.
            BcsearchError, StorageInternalError: the disk or the database failed; the trial waits
                again too.
            Abandoned: the database is gone; the trial is tried again once its silence is noticed.
        """
        try:
            return self._tried(Attempt(self.context, trial))
        except KeyboardInterrupt:
            self._release(trial)
            raise Released from None
        except (BcsearchError, StorageInternalError) as error:
            if not self._release(trial):
                raise Abandoned(error) from error
            raise

    def _tried(self, attempt: Attempt) -> float:
        try:
            return attempt.run()
        except (InfeasibleError, ConfigError) as error:
            attempt.give_up(str(error))
            raise Infeasible(str(error)) from None

    def _release(self, trial: optuna.Trial) -> bool:
        """Whether the trial could be released, or was not to be.

        Else its heartbeat stops, and others take over.
        """
        try:
            released = self.context.storage.release(trial_id(trial))
        except StorageInternalError:
            return False
        event = TrialReleased(number=trial.number) if released else TrialLost(number=trial.number)
        self.context.listener(event)
        return True
