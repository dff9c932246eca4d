"""A storage that can write all params of a trial in one transaction. Imports optuna, sqlalchemy.

Optuna writes each param as it is drawn, in a transaction of its own: with a dozen of them, most of
what a trial costs.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from optuna.distributions import (
    BaseDistribution,
    check_distribution_compatibility,
    distribution_to_json,
)
from optuna.storages import RDBStorage
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from bcsearch.storage import trial_rows
from bcsearch.storage.engine import transaction
from bcsearch.storage.optuna_tables import PARAMS
from bcsearch.storage.patience import patient

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.orm import Session


class Drawn(NamedTuple):
    """One param of a trial; ``before`` is its distribution in earlier trials, where this process knows it."""

    name: str
    value: float
    distribution: BaseDistribution
    before: BaseDistribution | None


class ParamsTogether(RDBStorage):
    """Optuna's storage, with a block in which params are held back.

    One trial at a time may use it.
    """

    _held: list[Drawn] | None = None

    @contextmanager
    def params_together(self, trial_id: int) -> Iterator[None]:
        """Write what is drawn in this block at its end, however it ends.

        Raises:
            UpdateFinishedTrialError: another worker has ended the trial.
        """
        self._held = []
        try:
            yield
        finally:
            held, self._held = self._held, None
            if held:
                self._write_params(trial_id, held)

    def _set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
        previous_distribution: BaseDistribution | None,
    ) -> None:
        if self._held is None:
            super()._set_trial_param(
                trial_id, param_name, param_value_internal, distribution, previous_distribution
            )
        else:
            self._held.append(
                Drawn(param_name, param_value_internal, distribution, previous_distribution)
            )

    @patient
    def _write_params(self, trial_id: int, drawn: Sequence[Drawn]) -> None:
        # rows that are there already were written by a call that was cut off
        with suppress(IntegrityError), transaction(self.engine) as session:
            self.check_trial_is_updatable(trial_id, trial_rows.state_of(session, trial_id))
            rows = [
                _row(trial_id, param) for param in drawn if self._fits(session, trial_id, param)
            ]
            if rows:
                session.execute(insert(PARAMS), rows)

    def _fits(self, session: Session, trial_id: int, param: Drawn) -> bool:
        """Check a param against earlier trials.

        One that this process meets for the first time is written at once.
        """
        if param.before is None:
            self._set_trial_param_without_commit(
                session, trial_id, param.name, param.value, param.distribution
            )
            return False
        check_distribution_compatibility(param.before, param.distribution)
        return True


def _row(trial_id: int, param: Drawn) -> dict[str, object]:
    return {
        "trial_id": trial_id,
        "param_name": param.name,
        "param_value": param.value,
        "distribution_json": distribution_to_json(param.distribution),
    }
