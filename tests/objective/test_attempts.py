"""Trials that cannot be trained, and trials that go on where an earlier attempt ended."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import optuna
import pytest
from optuna.trial import TrialState as OptunaState

from bcsearch.artifacts.checkpoints import TrialCheckpoints
from bcsearch.errors import ConfigError, InfeasibleError
from bcsearch.records import TrialState
from bcsearch.records.checkpoint import Checkpoint
from bcsearch.records.events import Notice, TrialInfeasible
from tests.fakes import FakeTrainer, Recorder, make_plan, make_scores, make_worker, open_session

if TYPE_CHECKING:
    from pathlib import Path

    from bcsearch.recipe import Params
    from bcsearch.study.session import Session

ONE_POINT = {"head_layers": 0, "learning_rate": {"choice": [1e-3]}}
CURVE = (0.2, 0.6, 0.4, 0.7, 0.5)
BEST_SO_FAR = {0: 0.2, 1: 0.6, 2: 0.6, 3: 0.7, 4: 0.7}
SOON = {"heartbeat_seconds": 1, "grace_seconds": 3, "checkpoint_seconds": 1}


def script(params: Params) -> tuple[float, ...]:
    return CURVE


@pytest.mark.parametrize(
    "error", [InfeasibleError("out of memory: 9 GB"), ConfigError("too small an image")]
)
def test_configuration_that_cannot_be_trained_is_infeasible_and_not_tried_again(
    tmp_path: Path, error: Exception
) -> None:
    plan = make_plan(ONE_POINT)
    session, recorder = open_session(tmp_path, plan, trials=2), Recorder()

    def fail(params: Params) -> tuple[float, ...]:
        raise error

    trainer = FakeTrainer(curve=fail)
    assert make_worker(session, plan, trainer, listener=recorder).run()
    assert len(trainer.calls) == 1
    first, second = session.record().trials
    assert (first.state, first.score, first.note) == (TrialState.INFEASIBLE, None, str(error))
    assert (second.state, second.note) == (
        TrialState.INFEASIBLE,
        "trial 0 of the same configuration could not be trained",
    )
    assert [trial.constraints for trial in session.study.trials] == [{"feasible": 1.0}] * 2
    assert [event.reason for event in recorder.of(TrialInfeasible)] == [first.note, second.note]


def test_every_trial_that_ends_tells_that_it_is_feasible(tmp_path: Path) -> None:
    plan = make_plan(search={"pruner": "median", "pruner_trials": 3, "pruner_epochs": 1})
    session = open_session(tmp_path, plan, trials=12)
    make_worker(session, plan, FakeTrainer()).run()
    assert {trial.state for trial in session.study.trials} == {
        OptunaState.COMPLETE,
        OptunaState.PRUNED,
    }
    assert [trial.constraints for trial in session.study.trials] == [{"feasible": 0.0}] * 12


def test_sampler_avoids_what_was_infeasible(tmp_path: Path) -> None:
    plan = make_plan(search={"sampler": "tpe", "startup_trials": 8})
    session = open_session(tmp_path, plan, trials=50)

    def curve(params: Params) -> tuple[float, ...]:
        if params.dropout_1 > 0.45:
            raise InfeasibleError("out of memory")
        return (0.5,)

    make_worker(session, plan, FakeTrainer(curve=curve)).run()
    infeasible = [trial.state is TrialState.INFEASIBLE for trial in session.record().trials]
    assert sum(infeasible[20:]) < 30 / 3  # half of what is drawn at random


def interrupted(session: Session, epoch: int) -> None:
    """Run the first trial until the user stops it during an epoch."""
    plan = session.plan
    worker = make_worker(session, plan, trainer := FakeTrainer(curve=script))

    def stop(now: int) -> None:
        worker.interrupts.asked = now == epoch

    trainer.during = stop
    assert not worker.run()


def trained_by(
    session: Session, trainer: FakeTrainer, recorder: Recorder | None = None
) -> list[int]:
    """Run the study to its end and return the epochs that were trained."""
    epochs: list[int] = []
    trainer.during = epochs.append
    assert make_worker(session, session.plan, trainer, listener=recorder).run()
    return epochs


def test_released_trial_goes_on_after_its_last_epoch(tmp_path: Path) -> None:
    session, recorder = open_session(tmp_path, make_plan(ONE_POINT), trials=1), Recorder()
    interrupted(session, 2)
    assert trained_by(session, FakeTrainer(curve=script), recorder) == [3, 4]
    (trial,) = session.study.trials
    assert trial.intermediate_values == pytest.approx(BEST_SO_FAR)
    entry = session.ledger.entry_of(0)
    assert entry is not None
    assert [scores.mean for scores in entry.epochs] == pytest.approx(CURVE)
    assert "going on from a checkpoint after 3 epochs" in [
        event.text for event in recorder.of(Notice)
    ]
    assert not list(session.artifacts.folder.rglob("*.npz"))


def test_retry_of_a_lost_trial_goes_on_from_the_checkpoint_and_reports_every_epoch(
    tmp_path: Path,
) -> None:
    plan = make_plan(ONE_POINT, limits=SOON)
    session = open_session(tmp_path, plan, trials=1)

    class Killed(BaseException):
        pass

    def die(epoch: int) -> None:
        if epoch == 3:
            raise Killed

    worker = make_worker(session, plan, FakeTrainer(curve=script, seconds=0.6, during=die))
    with pytest.raises(Killed):
        worker.run()
    assert trained_by(session, FakeTrainer(curve=script)) in ([2, 3, 4], [3, 4])
    *_, last = session.study.trials
    assert last.user_attrs["failed_trial"] == 0
    assert last.state is OptunaState.COMPLETE
    assert last.intermediate_values == pytest.approx(BEST_SO_FAR)


@pytest.mark.parametrize("as_twin", [False, True])
@pytest.mark.parametrize(
    ("epoch", "state"), [(3, TrialState.PRUNED), (4, TrialState.COMPLETE)], ids=["before", "last"]
)
def test_trial_that_trained_all_its_epochs_is_complete_whatever_the_pruner_says(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    epoch: int,
    state: TrialState,
    as_twin: bool,
) -> None:
    session = open_session(tmp_path, make_plan(ONE_POINT), trials=1 + as_twin)

    def prunes(trial: optuna.Trial) -> bool:
        reports = session.study.trials[trial.number].intermediate_values
        return trial.number == as_twin and max(reports) == epoch

    monkeypatch.setattr(optuna.Trial, "should_prune", prunes)
    trained_by(session, FakeTrainer(curve=script))
    assert session.record().trials[-1].state is state


def test_trial_that_ends_as_the_run_does_is_complete(tmp_path: Path) -> None:
    session = open_session(tmp_path, make_plan(ONE_POINT), trials=2)
    interrupted(session, 4)
    assert session.record().count(TrialState.COMPLETE) == 1
    assert session.slots.counts().finished == 1


def test_pruned_trial_gets_no_checkpoint_more(tmp_path: Path) -> None:
    path, recorder = tmp_path / "trial.npz", Recorder()
    kept = checkpoints(path, recorder)
    kept.pruned = lambda: True
    kept.offer(some_checkpoint)
    assert not path.exists()


@pytest.mark.parametrize("retries", [3, 0])
def test_trial_lost_between_its_last_word_and_its_end_is_not_trained_again(
    tmp_path: Path, retries: int
) -> None:
    plan = make_plan(ONE_POINT, limits={**SOON, "retries": retries})
    session = open_session(tmp_path, plan, trials=1)
    worker = make_worker(session, plan, FakeTrainer(curve=script))
    trial = optuna.Trial(
        session.study, session.study._storage.create_new_trial(session.study._study_id)
    )
    slot = session.slots.claim("lost")
    assert slot is not None
    assert session.slots.bind(slot, trial.number)
    worker.objective(trial)  # and dies before Optuna hears of it
    trainer = FakeTrainer(curve=script)
    assert trained_by(session, trainer) == []
    assert trainer.calls == []
    _, retry = session.record().trials
    assert (retry.state, retry.train_seconds) == (TrialState.COMPLETE, 0.5)
    assert retry.score == pytest.approx(0.7)
    assert retry.note == "retry of trial 0"
    assert session.artifacts.probabilities(1) is not None


def checkpoints(path: Path, recorder: Recorder, digest: str = "aa") -> TrialCheckpoints:
    return TrialCheckpoints(
        path=path,
        digest=digest,
        every_seconds=0.0,
        stop_asked=lambda: False,
        pruned=lambda: False,
        catch_up=lambda epochs: None,
        listener=recorder,
    )


def some_checkpoint() -> Checkpoint:
    scores = make_scores(0, 0.5, 0.25)
    return Checkpoint(epochs=(scores,), seconds=2.5, arrays={})


@pytest.mark.parametrize(
    "spoil",
    [lambda path: path.write_bytes(b"PK"), lambda path: path.write_bytes(path.read_bytes()[:-40])],
)
def test_damaged_checkpoint_is_said_and_the_trial_begins_anew(
    tmp_path: Path, spoil: object
) -> None:
    path, recorder = tmp_path / "trial.npz", Recorder()
    checkpoints(path, recorder).offer(some_checkpoint)
    assert checkpoints(path, recorder).load() is not None
    spoil(path)  # type: ignore[operator] # of a table of cases
    assert checkpoints(path, recorder).load() is None
    assert "cannot be used, the trial begins anew" in recorder.of(Notice)[-1].text


def test_checkpoint_of_another_study_is_not_used(tmp_path: Path) -> None:
    session = open_session(tmp_path, make_plan(ONE_POINT), trials=1)
    interrupted(session, 2)
    assert list(session.files.rglob("*.npz"))
    (tmp_path / "other").mkdir()
    other = replace(
        open_session(tmp_path / "other", make_plan(ONE_POINT), trials=1), files=session.files
    )
    assert trained_by(other, FakeTrainer(curve=script)) == [0, 1, 2, 3, 4]


def test_checkpoint_of_another_configuration_is_not_used(tmp_path: Path) -> None:
    path, recorder = tmp_path / "trial.npz", Recorder()
    checkpoints(path, recorder).offer(some_checkpoint)
    assert checkpoints(path, recorder, "bb").load() is None


def test_no_room_for_a_checkpoint_is_said_and_training_goes_on(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("in the way", encoding="utf-8")
    recorder = Recorder()
    checkpoints(tmp_path / "folder" / "trial.npz", recorder).offer(some_checkpoint)
    assert "no checkpoint was kept" in recorder.of(Notice)[0].text
