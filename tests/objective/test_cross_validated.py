from __future__ import annotations

from typing import TYPE_CHECKING

import optuna
import pytest
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from bcsearch.records import TrialState
from bcsearch.records.events import EpochEnded, TrialEnded, TrialReleased, TrialStarted
from tests.fakes import SPREAD, FakeTrainer, Recorder, make_plan, make_worker, open_session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bcsearch.recipe import Params
    from bcsearch.study.session import Session

ONE_POINT = {"head_layers": 0, "learning_rate": {"choice": [1e-3]}}
CURVE = (0.2, 0.6, 0.4, 0.7, 0.5)
BEST_SO_FAR = {0: 0.2, 1: 0.6, 2: 0.6, 3: 0.7, 4: 0.7}


class PruneAt(optuna.pruners.BasePruner):
    """Prunes every trial that reported at ``epoch`` or later; counts how often it was asked."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.asked = 0

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        del study
        self.asked += 1
        return trial.last_step is not None and trial.last_step >= self.epoch


def script(params: Params) -> Sequence[float]:
    del params
    return CURVE


def means(session: Session, number: int) -> list[float]:
    entry = session.ledger.entry_of(number)
    return [round(scores.mean, 9) for scores in entry.epochs] if entry else []


def run(session: Session, trainer: FakeTrainer, recorder: Recorder | None = None) -> bool:
    return make_worker(session, session.plan, trainer, listener=recorder).run()


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return open_session(tmp_path, make_plan(ONE_POINT), trials=1)


def test_best_fold_mean_so_far_is_reported_at_its_epoch(session: Session) -> None:
    recorder = Recorder()
    run(session, FakeTrainer(curve=script), recorder)
    trial = session.study.trials[0]
    assert trial.intermediate_values == pytest.approx(BEST_SO_FAR)
    assert trial.value == pytest.approx(0.7)
    heard = recorder.of(EpochEnded)
    assert [event.score for event in heard] == pytest.approx(CURVE)
    assert [event.best for event in heard] == pytest.approx(list(BEST_SO_FAR.values()))


def test_completed_trial_keeps_its_raw_curve_and_its_probabilities(session: Session) -> None:
    recorder = Recorder()
    run(session, FakeTrainer(curve=script), recorder)
    entry = session.ledger.entry_of(0)
    assert entry is not None
    assert (entry.state, entry.duplicate_of, entry.train_seconds) == (
        TrialState.COMPLETE,
        None,
        0.5,
    )
    assert means(session, 0) == list(CURVE)
    assert session.artifacts.probabilities(0) is not None
    (ended,) = recorder.of(TrialEnded)
    assert (ended.state, ended.epochs) == (TrialState.COMPLETE, 5)
    assert ended.score == pytest.approx(0.7)


def test_pruned_trial_keeps_its_best_score_and_its_raw_curve(session: Session) -> None:
    session.study.pruner = PruneAt(2)
    recorder = Recorder()
    run(session, FakeTrainer(curve=script), recorder)
    trial = session.study.trials[0]
    assert trial.state is OptunaState.PRUNED
    assert trial.value == pytest.approx(0.6)  # not 0.4, its last
    assert means(session, 0) == [0.2, 0.6, 0.4]
    entry = session.ledger.entry_of(0)
    assert entry is not None
    assert entry.state is TrialState.PRUNED
    assert session.artifacts.probabilities(0) is None
    (ended,) = recorder.of(TrialEnded)
    assert ended.state is TrialState.PRUNED
    assert ended.score == pytest.approx(0.6)


def test_duplicate_is_replayed_from_the_ledger_and_marked(tmp_path: Path) -> None:
    session = open_session(tmp_path, make_plan(ONE_POINT), trials=3)
    trainer, recorder = FakeTrainer(curve=script), Recorder()
    run(session, trainer, recorder)
    assert len(trainer.calls) == 1
    assert [trial.state for trial in session.study.trials] == [OptunaState.COMPLETE] * 3
    assert [trial.intermediate_values for trial in session.study.trials] == [
        pytest.approx(BEST_SO_FAR)
    ] * 3
    entries = [session.ledger.entry_of(number) for number in range(3)]
    assert [entry and entry.duplicate_of for entry in entries] == [None, 0, 0]
    assert [entry and entry.train_seconds for entry in entries] == [0.5, 0.0, 0.0]
    assert session.artifacts.probabilities(2) is not None
    notes = [trial.note for trial in session.record().trials]
    assert notes[0] == ""
    assert "trial 0" in notes[1]


def test_duplicate_may_be_trained_by_another_seed_and_averaged_with_those_before(
    tmp_path: Path,
) -> None:
    plan = make_plan(ONE_POINT, search={"repeat_duplicates": True})
    session = open_session(tmp_path, plan, trials=3)
    heights = iter([0.4, 0.6, 0.8])
    trainer = FakeTrainer(curve=lambda params: (next(heights),))
    run(session, trainer)
    assert trainer.repeats == [0, 1, 2]
    assert [trial.value for trial in session.study.trials] == pytest.approx([0.4, 0.5, 0.6])
    entries = [session.ledger.entry_of(number) for number in range(3)]
    assert [entry and entry.duplicate_of for entry in entries] == [None, 0, 0]
    assert [entry and entry.train_seconds for entry in entries] == [0.5, 0.5, 0.5]
    best = [entry.best.fold_scores for entry in entries if entry is not None]
    assert best[2] == pytest.approx((0.6 - SPREAD, 0.6 + SPREAD))
    record = session.record()
    assert "same configuration as trial 0; trained again" in record.trials[2].note
    assert [trial.superseded for trial in record.trials] == [True, True, False]
    assert [trial.number for trial in record.ranked] == [2]
    assert [trial.number for trial in session.overview().ranked] == [2]
    assert session.progress().best == pytest.approx(0.6)


def test_mean_of_several_seeds_counts_though_the_first_was_luckier(tmp_path: Path) -> None:
    plan = make_plan(ONE_POINT, search={"repeat_duplicates": True})
    session = open_session(tmp_path, plan, trials=2)
    heights = iter([0.8, 0.4])
    run(session, FakeTrainer(curve=lambda params: (next(heights),)))
    assert session.record().best == session.record().trials[1]
    assert session.progress().best_number == 1


def test_duplicate_of_a_pruned_trial_is_pruned(tmp_path: Path) -> None:
    session = open_session(tmp_path, make_plan(ONE_POINT), trials=1)
    session.study.pruner = PruneAt(2)
    trainer = FakeTrainer(curve=script)
    run(session, trainer)
    session.study.pruner = optuna.pruners.NopPruner()
    session.set_budget(2, 2)
    run(session, trainer)
    assert len(trainer.calls) == 1
    assert [trial.state for trial in session.study.trials] == [OptunaState.PRUNED] * 2
    assert [trial.value for trial in session.study.trials] == pytest.approx([0.6, 0.6])


def test_configurations_that_differ_only_in_what_cannot_act_are_duplicates(tmp_path: Path) -> None:
    idle = {"head_layers": 0, "learning_rate": 1e-3, "dropout_1": {"float": [0.0, 0.9]}}
    session = open_session(tmp_path, make_plan(idle), trials=4)
    trainer = FakeTrainer(curve=script)
    make_worker(session, make_plan(idle), trainer).run()
    assert len({trial.params["dropout_1"] for trial in session.study.trials}) == 4
    assert len(trainer.calls) == 1


@pytest.mark.parametrize("way", ["stop asked after an epoch", "Ctrl-C inside training"])
def test_released_trial_keeps_number_and_params_and_runs_again_identically(
    way: str, tmp_path: Path
) -> None:
    plan = make_plan()
    session = open_session(tmp_path, plan, trials=1)
    recorder = Recorder()
    worker = make_worker(session, plan, trainer := FakeTrainer(curve=script), listener=recorder)

    def stop(epoch: int) -> None:
        if epoch == 2:
            worker.interrupts.asked = True
            if way == "Ctrl-C inside training":
                raise KeyboardInterrupt

    trainer.during = stop
    assert not worker.run()
    (waiting,) = session.study.trials
    assert waiting.state is OptunaState.WAITING
    assert session.ledger.entry_of(0) is None
    assert recorder.of(TrialReleased) == [TrialReleased(number=0)]
    assert session.slots.counts().free == 1

    again = FakeTrainer(curve=script)
    assert make_worker(session, plan, again).run()
    (trial,) = session.study.trials
    assert (trial.number, trial.state) == (0, OptunaState.COMPLETE)
    assert trial.value == pytest.approx(0.7)
    assert trial.params == waiting.params
    assert again.calls == trainer.calls
    assert trial.intermediate_values == pytest.approx(BEST_SO_FAR)
    assert means(session, 0) == list(CURVE)


def test_rerun_of_a_released_trial_is_not_judged_by_reports_it_has_not_reached(
    tmp_path: Path,
) -> None:
    plan = make_plan(ONE_POINT)
    session = open_session(tmp_path, plan, trials=1)
    worker = make_worker(session, plan, trainer := FakeTrainer(curve=script))

    def stop(epoch: int) -> None:
        worker.interrupts.asked = epoch == 3

    trainer.during = stop
    assert not worker.run()
    session.artifacts.remove_checkpoints()  # it begins anew
    session.study.pruner = PruneAt(3)
    run(session, FakeTrainer(curve=script))
    trial = session.study.trials[0]
    assert trial.state is OptunaState.PRUNED
    assert trial.value == pytest.approx(0.7)
    assert means(session, 0) == list(CURVE[:4])


def test_trial_that_the_pruner_ends_in_the_epoch_at_which_the_user_stops_is_done(
    tmp_path: Path,
) -> None:
    plan = make_plan(ONE_POINT)
    session = open_session(tmp_path, plan, trials=2)
    session.study.pruner = PruneAt(2)
    worker = make_worker(session, plan, trainer := FakeTrainer(curve=script))

    def stop(epoch: int) -> None:
        worker.interrupts.asked = epoch == 2

    trainer.during = stop
    assert not worker.run()
    assert [trial.state for trial in session.study.trials] == [OptunaState.PRUNED]
    assert means(session, 0) == list(CURVE[:3])


def test_listener_hears_a_trial_from_start_to_end(session: Session) -> None:
    recorder = Recorder()
    run(session, trainer := FakeTrainer(curve=script), recorder)
    kinds = [type(event) for event in recorder.events]
    assert kinds == [TrialStarted, *[EpochEnded] * 5, TrialEnded]
    assert recorder.of(TrialStarted)[0].params == trainer.calls[0]
