from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from optuna.trial import TrialState as OptunaState
from optuna.trial import create_trial

from bcsearch.recipe import Params
from bcsearch.records import EpochScores, TrialState
from bcsearch.storage import Ledger, LedgerEntry, Storage
from bcsearch.storage.attrs import FAILED_TRIAL, RETRY_HISTORY
from bcsearch.storage.ledger import decode_epochs, encode_epochs
from tests.storage.workers import make_study

if TYPE_CHECKING:
    from optuna import Study

EPOCHS = tuple(
    EpochScores(
        epoch=epoch,
        score="accuracy",
        scores={"accuracy": (mean - 0.1, mean + 0.1), "log_loss": (-mean / 3, -mean / 7)},
        train_loss=1 / 3,
        learning_rate=1e-3,
    )
    for epoch, mean in enumerate([0.5, 0.8, 0.7])
)


@pytest.fixture
def study(storage: Storage) -> Study:
    return make_study(storage)


@pytest.fixture
def ledger(storage: Storage, study: Study) -> Ledger:
    return Ledger(storage, study)


def entry(
    number: int, params: Params | None = None, state: TrialState = TrialState.COMPLETE
) -> LedgerEntry:
    return LedgerEntry(
        trial_number=number,
        params=params or Params(),
        epochs=EPOCHS,
        state=state,
        train_seconds=1.5,
        total_seconds=2.5,
    )


def ended(storage: Storage, study: Study, state: OptunaState) -> int:
    trial_id = storage.create_new_trial(study._study_id)
    storage.set_trial_state_values(trial_id, state)
    return storage.get_trial(trial_id).number


def test_entry_comes_back_as_it_was(ledger: Ledger) -> None:
    ledger.record(entry(3))
    assert ledger.entry_of(3) == entry(3)


def test_curve_survives_to_the_last_bit() -> None:
    assert decode_epochs(encode_epochs(EPOCHS)) == EPOCHS


def test_best_epoch_has_the_highest_fold_mean() -> None:
    best = entry(0).best
    assert best is not None
    assert best.epoch == 1


def test_second_record_of_a_trial_replaces_the_first(ledger: Ledger) -> None:
    ledger.record(entry(0, state=TrialState.PRUNED))
    ledger.record(entry(0))
    found = ledger.entry_of(0)
    assert found is not None
    assert found.state is TrialState.COMPLETE


def test_params_are_stored_canonical(ledger: Ledger) -> None:
    ledger.record(entry(0, Params(optimizer="adam", momentum=0.5)))
    found = ledger.entry_of(0)
    assert found is not None
    assert found.params == Params(optimizer="adam")


def test_equal_configuration_of_a_finished_trial_is_found(
    storage: Storage, study: Study, ledger: Ledger
) -> None:
    for state in (OptunaState.PRUNED, OptunaState.COMPLETE, OptunaState.COMPLETE):
        ledger.record(entry(ended(storage, study, state)))
    assert ledger.find_digest(Params().digest()) == 1
    assert ledger.find_digest(Params(dropout=0.4).digest()) is None


@pytest.mark.parametrize("state", [OptunaState.FAIL, OptunaState.RUNNING])
def test_trial_that_did_not_finish_is_not_found(
    storage: Storage, study: Study, ledger: Ledger, state: OptunaState
) -> None:
    number = 0 if state is OptunaState.RUNNING else ended(storage, study, state)
    if state is OptunaState.RUNNING:
        storage.create_new_trial(study._study_id)
    ledger.record(entry(number))
    assert ledger.find_digest(Params().digest()) is None


def test_ledgers_of_two_studies_do_not_mix(storage: Storage, study: Study, ledger: Ledger) -> None:
    ledger.record(entry(ended(storage, study, OptunaState.COMPLETE)))
    other = Ledger(storage, make_study(storage, "other", "u-2"))
    assert other.entry_of(0) is None
    assert other.find_digest(Params().digest()) is None


def test_trials_that_go_on_are_told_by_their_first_attempt(
    storage: Storage, study: Study, ledger: Ledger
) -> None:
    ended(storage, study, OptunaState.COMPLETE)
    ended(storage, study, OptunaState.FAIL)
    storage.create_new_trial(study._study_id)
    study.add_trial(
        create_trial(state=OptunaState.WAITING, user_attrs={FAILED_TRIAL: 1, RETRY_HISTORY: [1, 7]})
    )
    study.enqueue_trial({"x": 0.5})
    assert ledger.going_on() == {2, 1, 4}
