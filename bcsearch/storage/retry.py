"""The trials that take the place of one whose worker was lost: tried again, or known not to work.

Imports optuna.
"""

from __future__ import annotations

from datetime import datetime

from optuna.trial import FrozenTrial, TrialState, create_trial

from bcsearch.storage.attrs import FAILED_TRIAL, FEASIBLE, NOTE, RETRY_HISTORY

ASKED = "fixed_params"  # where Optuna keeps what a start point fixed; the lost worker may not have come to draw all


def retry_of(failed: FrozenTrial, max_retries: int) -> FrozenTrial | None:
    """Return a WAITING trial with the params of ``failed``, or None when it was retried often enough.

    Reports are not copied: the retry reports every step again, those before its checkpoint at once.
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


def infeasible_of(failed: FrozenTrial) -> FrozenTrial:
    """Return a PRUNED trial that tells the sampler not to try the params of ``failed`` or their like.

    A worker that is lost each time it trains them was most likely killed by the kernel, for the
    memory it took.
    """
    attempts = len(failed.user_attrs.get(RETRY_HISTORY, [])) + 1
    found = create_trial(
        state=TrialState.PRUNED,
        params=failed.params,
        distributions=failed.distributions,
        user_attrs={
            **failed.user_attrs,
            NOTE: f"its worker was lost {attempts} times, out of memory perhaps",
        },
        constraints={FEASIBLE: 1.0},
    )
    found.datetime_start, found.datetime_complete = (
        failed.datetime_start,
        datetime.now(),
    )  # local, as Optuna's are
    return found
