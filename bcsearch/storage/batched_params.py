"""A storage that can write all params of a trial in one transaction.

Optuna writes each param as it is drawn, in a transaction of its own: with a dozen of them, most of
what a trial costs.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from optuna.distributions import check_distribution_compatibility, distribution_to_json
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from bcsearch.storage import trial_rows
from bcsearch.storage.engine import transaction
from bcsearch.storage.optuna_private import PARAMS, DrawnParam, PrivateStorage
from bcsearch.storage.reconnect import reconnecting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class BatchedParamsStorage(PrivateStorage):
    """Optuna's storage, with a block whose params are written together at its end.

    One trial at a time may use it.
    """

    _drawn: list[DrawnParam] | None = None

    @contextmanager
    def batched_params(self, trial_id: int) -> Iterator[None]:
        """Write what is drawn in this block at its end, however it ends.

        Raises:
            UpdateFinishedTrialError: another worker has ended the trial.
        """
        drawn: list[DrawnParam] = []
        self._drawn = drawn
        try:
            yield
        finally:
            self._drawn = None
            if drawn:
                self._write_params(trial_id, drawn)

    def write_param(self, trial_id: int, param: DrawnParam) -> None:
        """Write one param now, or at the end of the block."""
        if self._drawn is None:
            super().write_param(trial_id, param)
        else:
            self._drawn.append(param)

    @reconnecting
    def _write_params(self, trial_id: int, drawn: Sequence[DrawnParam]) -> None:
        # rows that are there already were written by a call whose answer was lost
        with suppress(IntegrityError), transaction(self.engine) as session:
            self.check_trial_is_updatable(trial_id, trial_rows.state_of(session, trial_id))
            rows = []
            for param in drawn:
                if param.previous is None:  # new to this process: look at all earlier trials
                    self.add_param(session, trial_id, param)
                    continue
                check_distribution_compatibility(param.previous, param.distribution)
                row = {
                    "trial_id": trial_id,
                    "param_name": param.name,
                    "param_value": param.value,
                    "distribution_json": distribution_to_json(param.distribution),
                }
                rows.append(row)
            if rows:
                session.execute(insert(PARAMS), rows)
