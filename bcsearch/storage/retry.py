"""The trial that takes the place of one whose worker was lost. Imports optuna."""

from __future__ import annotations

from optuna.trial import FrozenTrial, TrialState, create_trial

from bcsearch.storage.attrs import FAILED_TRIAL, RETRY_HISTORY

ASKED = "fixed_params"  # where Optuna keeps what a start point fixed; the lost worker may not have come to draw all


def retry_of(failed: FrozenTrial, max_retries: int) -> FrozenTrial | None:
    """Return a WAITING trial with the params of ``failed``, or None when it was retried often enough.

    Reports are not copied: the retry starts at the first epoch and reports every step again.
    """
    history = [*failed.user_attrs.get(RETRY_HISTORY, []), failed.number]
    if len(history) > max_retries:
        return None
    return create_trial(
        state=TrialState.WAITING,
        params=failed.params,
        distributions=failed.distributions,
        user_attrs={**failed.user_attrs, FAILED_TRIAL: history[0], RETRY_HISTORY: history},
        system_attrs={key: value for key, value in failed.system_attrs.items() if key == ASKED},
    )
