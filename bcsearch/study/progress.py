"""Tells how far a study is while a command works on it, whoever runs its trials."""

from __future__ import annotations

from contextlib import suppress
from threading import Event as Flag
from threading import RLock, Thread
from typing import TYPE_CHECKING, Self

from bcsearch.errors import BcsearchError
from bcsearch.recipe import BY_NAME
from bcsearch.records import TrialState
from bcsearch.records.events import TimeLeft, TrialSeen
from bcsearch.storage import read_latest
from bcsearch.storage.database_errors import DATABASE_ERRORS
from bcsearch.study.clock import Pace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.recipe import Value
    from bcsearch.records import TrialRecord
    from bcsearch.records.events import Listener
    from bcsearch.study.interrupts import Interrupts
    from bcsearch.study.session import Session

LOOK_SECONDS = 3.0  # between looks at the database
TRIALS_TOLD = 60  # the latest ones: more than begin between two looks


class ProgressTeller:
    """While entered, tells a listener the budget, the best score, trials as others see them.

    It looks every few seconds, and where it is called. ``grow`` says that the budget does.
    """

    def __init__(
        self, session: Session, listener: Listener, interrupts: Interrupts, *, grow: bool = False
    ) -> None:
        self._session, self._listener, self._interrupts = session, listener, interrupts
        self._pace, self._grow = Pace(session.progress()), grow
        self._told: dict[int, TrialRecord] = {}
        self._looked = False
        self._looking = RLock()
        self._over = Flag()
        self._thread = Thread(target=self._look_regularly, daemon=True)

    def __call__(self) -> None:
        """Look once."""
        with self._looking:
            self._tell_trials()
            self.count()

    def count(self) -> None:
        """Tell the budget, the best score and the time left."""
        with self._looking:
            progress = self._session.progress()
            self._listener(progress)
            seconds = self._pace.seconds_left(progress, self._interrupts.clock, grow=self._grow)
            if seconds is not None:
                self._listener(TimeLeft(seconds=seconds))

    def __enter__(self) -> Self:
        self()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join(LOOK_SECONDS)
        self._look()

    def _look_regularly(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        """Look, unless the database is away: who trains will say so."""
        with suppress(BcsearchError, KeyError, *DATABASE_ERRORS):
            self()

    def _tell_trials(self) -> None:
        """Tell of those trials that have changed since the last look."""
        session = self._session
        is_first, self._looked = not self._looked, True
        fixed = session.plan.space.fixed
        for trial in read_latest(session.storage, session.name, TRIALS_TOLD, self._told):
            if trial.state is TrialState.WAITING or self._told.get(trial.number) == trial:
                continue
            self._told[trial.number] = trial
            seen = TrialSeen(
                number=trial.number,
                state=trial.state,
                params=trial.acting or {**fixed, **_known(trial.params)},
                score=trial.score,
                scores=trial.best.means if trial.best is not None else {},
                epochs=len(trial.epochs),
                seconds=trial.seconds,
                train_seconds=trial.train_seconds,
                score_name=session.plan.sweep.search.score,
                is_new=trial.is_finished and not is_first,
            )
            self._listener(seen)


def _known(params: Mapping[str, Value]) -> dict[str, Value]:
    """Leave out parameters that a trial of another program has."""
    return {name: value for name, value in params.items() if name in BY_NAME}
