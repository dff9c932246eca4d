from __future__ import annotations

from typing import TYPE_CHECKING

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState
from sqlalchemy import event

from tests.storage.workers import make_study

if TYPE_CHECKING:
    from optuna import Study, Trial

    from bcsearch.storage import Storage

NAMES = [f"x{number}" for number in range(12)]


def ask(study: Study) -> Trial:
    return optuna.Trial(study, study._storage.create_new_trial(study._study_id))


def draw(storage: Storage, trial: Trial) -> dict[str, float]:
    with storage.batched_params(trial._trial_id):
        return {name: trial.suggest_float(name, 0, 1) for name in NAMES}


def test_params_of_a_batch_are_those_of_the_trial(storage: Storage) -> None:
    study = make_study(storage)
    for _ in range(3):
        trial = ask(study)
        drawn = draw(storage, trial)
        assert trial.params == drawn
        assert storage.get_trial(trial._trial_id).params == drawn
        assert set(storage.get_trial(trial._trial_id).distributions.values()) == {
            FloatDistribution(0, 1)
        }


def test_they_are_written_in_one_transaction(storage: Storage) -> None:
    study = make_study(storage)
    draw(storage, ask(study))
    trial = ask(study)
    commits: list[None] = []

    def count(*_: object) -> None:
        commits.append(None)

    event.listen(storage.engine, "commit", count)
    draw(storage, trial)
    event.remove(storage.engine, "commit", count)
    assert len(commits) == 1


def test_what_was_drawn_before_an_error_is_written(storage: Storage) -> None:
    trial = ask(make_study(storage))

    def draw_and_fail() -> None:
        with storage.batched_params(trial._trial_id):
            trial.suggest_float("x", 0, 1)
            raise KeyError

    with pytest.raises(KeyError):
        draw_and_fail()
    assert storage.get_trial(trial._trial_id).params == trial.params


def test_distribution_that_changed_is_refused(storage: Storage) -> None:
    study = make_study(storage)
    draw(storage, ask(study))
    trial = ask(study)
    with pytest.raises(ValueError, match="distribution"), storage.batched_params(trial._trial_id):
        trial.suggest_categorical(NAMES[0], ["a", "b"])


def test_trial_that_another_worker_ended_is_not_written(storage: Storage) -> None:
    study = make_study(storage)
    trial = ask(study)
    storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
    with pytest.raises(UpdateFinishedTrialError):
        draw(storage, trial)
    assert storage.get_trial(trial._trial_id).params == {}
