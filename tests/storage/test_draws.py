from __future__ import annotations

from typing import TYPE_CHECKING

import optuna
import pytest
from optuna.trial import TrialState as OptunaState

from bcsearch.storage import attrs
from bcsearch.storage.draws import independent_draws
from tests.storage.workers import NAME, make_study

if TYPE_CHECKING:
    from collections.abc import Callable

    from optuna import Study, Trial

    from bcsearch.storage import Storage

STARTUP = 3


@pytest.fixture
def study(storage: Storage) -> Study:
    """Return a study whose random trials drew ``x`` alone."""
    made = make_study(storage)
    made.optimize(drawing("x"), n_trials=STARTUP)
    return made


def drawing(*names: str) -> Callable[[Trial], float]:
    return lambda trial: sum(trial.suggest_float(name, 0, 1) for name in names)


def test_first_draws_of_a_new_parameter_are_independent(url: str, study: Study) -> None:
    study.optimize(drawing("x", "y"), n_trials=4)
    assert independent_draws(url, NAME, STARTUP) == {"y": 1}


def ask(study: Study) -> Trial:
    """Start a trial as ``optimize`` does."""
    return optuna.Trial(study, study._storage.create_new_trial(study._study_id))


def test_trials_abreast_all_draw_a_new_parameter_independently(url: str, study: Study) -> None:
    for trial in [ask(study) for _ in range(3)]:
        study._storage.set_trial_state_values(
            trial._trial_id, OptunaState.COMPLETE, [drawing("x", "y")(trial)]
        )
    drawing("z")(ask(study))  # it still runs
    assert independent_draws(url, NAME, STARTUP) == {"y": 3, "z": 1}


def test_random_trials_do_not_count(url: str, study: Study) -> None:
    assert independent_draws(url, NAME, STARTUP + 1) == {}
    study.optimize(drawing("y"), n_trials=1)
    assert independent_draws(url, NAME, STARTUP + 1) == {}


def test_start_points_retries_and_single_values_do_not_count(url: str, study: Study) -> None:
    study.enqueue_trial({"y": 0.5})
    study.optimize(drawing("y"), n_trials=1)
    distributions: dict[str, optuna.distributions.BaseDistribution] = {
        "z": optuna.distributions.FloatDistribution(0, 1)
    }
    again = optuna.create_trial(
        state=OptunaState.WAITING,
        params={"z": 0.5},
        distributions=distributions,
        user_attrs={attrs.RETRY_HISTORY: [0]},
    )
    study.add_trial(again)
    study.optimize(drawing("z"), n_trials=1)
    study.optimize(lambda trial: len(str(trial.suggest_categorical("kind", ["a"]))), n_trials=1)
    assert independent_draws(url, NAME, STARTUP) == {}
