from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NoReturn

import pytest
from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState as OptunaState

from bcsearch.errors import DiskError, InfeasibleError, StudyError
from bcsearch.records import TrialState
from bcsearch.records.events import TrialEnded, TrialLost, TrialStarted
from bcsearch.study.interrupts import Interrupts
from bcsearch.study.worker import IDLE_SECONDS, MOST_INFEASIBLE
from tests.fakes import (
    BEST_RATE,
    FakeTrainer,
    Recorder,
    make_plan,
    make_worker,
    open_session,
    rising,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bcsearch.recipe import Params
    from bcsearch.study.session import Session

PRUNING = {"pruner": "median", "pruner_trials": 3, "pruner_epochs": 1}


def states(session: Session) -> Counter[OptunaState]:
    return Counter(trial.state for trial in session.study.trials)


def test_worker_fills_exactly_its_slots_with_completed_and_pruned_trials(tmp_path: Path) -> None:
    plan = make_plan(search=PRUNING)
    session = open_session(tmp_path, plan, trials=15)
    recorder = Recorder()
    assert make_worker(session, plan, FakeTrainer(), listener=recorder).run()
    found = states(session)
    assert found[OptunaState.PRUNED] > 0
    assert found[OptunaState.COMPLETE] > 0
    assert found.total() == found[OptunaState.PRUNED] + found[OptunaState.COMPLETE] == 15
    counts = session.slots.counts()
    assert (counts.finished, counts.total) == (15, 15)
    assert len(recorder.of(TrialEnded)) == 15


def test_trial_that_nobody_can_be_told_of_is_left_to_be_found_by_its_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan()
    session = open_session(tmp_path, plan, trials=2)

    def gone(*_: object) -> NoReturn:
        raise StorageInternalError("the database is gone")

    monkeypatch.setattr(session.storage, "release", gone)
    with pytest.raises(StorageInternalError, match="the database is gone"):
        make_worker(session, plan, FakeTrainer(during=gone)).run()
    assert [trial.state for trial in session.study.trials] == [OptunaState.RUNNING]


def test_infeasible_trials_fill_slots_and_the_worker_goes_on(tmp_path: Path) -> None:
    plan = make_plan()
    session = open_session(tmp_path, plan, trials=6)

    def curve(params: Params) -> tuple[float, ...]:
        if params.learning_rate > BEST_RATE:
            raise InfeasibleError("out of memory")
        return rising(params)

    assert make_worker(session, plan, FakeTrainer(curve=curve)).run()
    record = session.record()
    assert session.slots.counts().is_done
    assert 0 < record.count(TrialState.INFEASIBLE) < 6
    assert (
        record.count(TrialState.INFEASIBLE) + record.count(TrialState.COMPLETE)
        == record.slots_filled
        == 6
    )


def test_worker_ends_where_no_configuration_can_be_trained(tmp_path: Path) -> None:
    plan = make_plan()
    session = open_session(tmp_path, plan, trials=50)

    def curve(params: Params) -> tuple[float, ...]:
        raise InfeasibleError("out of memory")

    with pytest.raises(
        StudyError,
        match="10 configurations in a row cannot be trained here, the last as out of mem",
    ):
        make_worker(session, plan, FakeTrainer(curve=curve)).run()
    assert len(session.study.trials) == MOST_INFEASIBLE


def test_search_comes_near_the_known_optimum(tmp_path: Path) -> None:
    plan = make_plan(search={"sampler": "tpe", "startup_trials": 8})
    session = open_session(tmp_path, plan, trials=25)
    make_worker(session, plan, FakeTrainer()).run()
    best = session.record().best
    assert best is not None
    assert BEST_RATE / 3 < float(best.params["learning_rate"]) < BEST_RATE * 3


def test_budget_is_raised_by_a_second_run(tmp_path: Path) -> None:
    plan = make_plan()
    first = FakeTrainer()
    make_worker(open_session(tmp_path, plan, trials=3), plan, first).run()
    session = open_session(tmp_path, plan, trials=5)
    second = FakeTrainer()
    assert make_worker(session, plan, second).run()
    assert (len(first.calls), len(second.calls)) == (3, 2)
    assert not set(first.calls) & set(second.calls)
    assert [trial.number for trial in session.study.trials] == list(range(5))


def test_run_of_a_finished_study_trains_nothing(tmp_path: Path) -> None:
    plan = make_plan()
    make_worker(open_session(tmp_path, plan, trials=3), plan, FakeTrainer()).run()
    trainer = FakeTrainer()
    assert make_worker(open_session(tmp_path, plan), plan, trainer).run()
    assert trainer.calls == []


def test_resume_runs_only_what_is_missing(tmp_path: Path) -> None:
    plan = make_plan()
    recorder = Recorder()
    stops = Interrupts(recorder)
    first = FakeTrainer()

    def stop(epoch: int) -> None:
        stops.asked = len(first.calls) == 4 and epoch == 1

    first.during = stop
    worker = make_worker(
        open_session(tmp_path, plan, trials=6), plan, first, listener=recorder, interrupts=stops
    )
    assert not worker.run()
    assert [event.number for event in recorder.of(TrialEnded)] == [0, 1, 2]
    second, again = FakeTrainer(), Recorder()
    session = open_session(tmp_path, plan)
    assert make_worker(session, plan, second, listener=again).run()
    assert [event.number for event in again.of(TrialStarted)] == [3, 4, 5]
    assert second.calls[0] == first.calls[3]
    assert states(session) == {OptunaState.COMPLETE: 6}


def test_start_points_run_first_and_exactly_once(tmp_path: Path) -> None:
    rates = [0.011, 0.012, 0.013]
    plan = make_plan(start=[{"learning_rate": rate} for rate in rates])
    trainer = FakeTrainer()
    make_worker(open_session(tmp_path, plan, trials=2), plan, trainer).run()
    make_worker(open_session(tmp_path, plan, trials=6), plan, trainer).run()
    run = [params.learning_rate for params in trainer.calls]
    assert run[:3] == rates
    assert not set(run[3:]) & set(rates)
    assert len(run) == 6


def test_worker_told_to_stop_before_it_starts_trains_nothing(tmp_path: Path) -> None:
    plan = make_plan()
    session = open_session(tmp_path, plan, trials=2)
    worker = make_worker(session, plan, trainer := FakeTrainer())
    worker.interrupts.asked = True
    assert not worker.run()
    assert trainer.calls == []
    assert session.slots.counts().free == 2


@pytest.mark.parametrize("moment", ["in the middle", "at the end"])
def test_trial_ended_by_another_worker_is_noticed_and_the_worker_goes_on(
    moment: str, tmp_path: Path
) -> None:
    plan = make_plan()
    session = open_session(tmp_path, plan, trials=3)
    trainer, recorder = FakeTrainer(), Recorder()
    last = 4

    def lose(epoch: int) -> None:
        if len(trainer.calls) == 2 and epoch == (last if moment == "at the end" else 1):
            trial_id = session.study.trials[1]._trial_id
            session.storage.set_trial_state_values(trial_id, OptunaState.FAIL)

    trainer.during = lose
    assert make_worker(session, plan, trainer, listener=recorder).run()
    assert [event.number for event in recorder.of(TrialLost)] == [1]
    assert states(session) == {OptunaState.COMPLETE: 3, OptunaState.FAIL: 1}
    assert [trial.number for trial in session.study.trials if trial.state is OptunaState.FAIL] == [
        1
    ]
    assert session.slots.counts().is_done


def test_trial_that_another_worker_completed_is_not_counted_as_ended_here(tmp_path: Path) -> None:
    plan = make_plan()
    session = open_session(tmp_path, plan, trials=2)
    trainer, recorder = FakeTrainer(), Recorder()

    def lose(epoch: int) -> None:
        if len(trainer.calls) == 1 and epoch == 4:
            session.storage.set_trial_state_values(
                session.study.trials[0]._trial_id, OptunaState.COMPLETE, [0.5]
            )

    trainer.during = lose
    assert make_worker(session, plan, trainer, listener=recorder).run()
    assert session.study.trials[0].value == 0.5
    assert len(session.study.trials) == 2


def test_bug_in_the_trainer_is_raised_as_it_is(tmp_path: Path) -> None:
    plan = make_plan()
    session = open_session(tmp_path, plan, trials=2)
    trainer, bug = FakeTrainer(), ZeroDivisionError("a bug")

    def fail(epoch: int) -> None:
        raise bug

    trainer.during = fail
    with pytest.raises(ZeroDivisionError) as caught:
        make_worker(session, plan, trainer).run()
    assert caught.value is bug
    assert states(session) == {OptunaState.FAIL: 1}
    counts = session.slots.counts()
    assert (counts.free, counts.total) == (2, 2)
    assert make_worker(session, plan, FakeTrainer()).run()
    assert session.record().count(TrialState.COMPLETE) == 2


def test_bug_in_a_trial_that_was_also_lost_is_raised_all_the_same(tmp_path: Path) -> None:
    plan = make_plan()
    session = open_session(tmp_path, plan, trials=1)

    def fail(epoch: int) -> None:
        session.storage.set_trial_state_values(session.study.trials[0]._trial_id, OptunaState.FAIL)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        make_worker(session, plan, FakeTrainer(during=fail)).run()


def test_worker_waits_while_others_hold_all_slots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan()
    session = open_session(tmp_path, plan, trials=1)
    slot = session.slots.claim("other")
    assert slot is not None
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.extend([seconds] * (seconds == IDLE_SECONDS))
        if len(naps) == 2:
            session.slots.give_back(slot)

    worker = make_worker(session, plan, trainer := FakeTrainer())
    monkeypatch.setattr("bcsearch.study.worker.time.sleep", nap)
    assert worker.run()
    assert len(naps) == 2
    assert len(trainer.calls) == 1


def test_second_interrupt_as_the_end_is_told_ends_the_worker_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan()
    session = open_session(tmp_path, plan, trials=2)
    tell = session.storage.set_trial_state_values

    def interrupted(
        trial_id: int, state: OptunaState, values: Sequence[float] | None = None
    ) -> bool:
        if state is OptunaState.COMPLETE:
            raise KeyboardInterrupt
        return tell(trial_id, state, values)

    monkeypatch.setattr(session.storage, "set_trial_state_values", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_worker(session, plan, FakeTrainer()).run()


def test_limit_of_time_is_that_of_the_studys_own_limits(tmp_path: Path) -> None:
    plan, trainer = make_plan(limits={"trial_seconds": 90}), FakeTrainer()
    assert make_worker(open_session(tmp_path, plan, trials=2), plan, trainer).run()
    assert trainer.trial_seconds == [90, 90]


def test_done_study_keeps_no_trial_that_waits_but_start_points(tmp_path: Path) -> None:
    plan = make_plan(start=[{"learning_rate": rate} for rate in (0.01, 0.02, 0.03)])
    session = open_session(tmp_path, plan, trials=2)
    stray = session.storage.create_new_trial(session.study._study_id)
    session.storage.release(stray)  # as by a worker whose slot was taken before it asked
    number = session.storage.get_trial(stray).number
    slot = session.slots.claim("other")
    assert slot is not None
    assert session.slots.bind(slot, 0)
    trial_id = session.study.trials[0]._trial_id
    session.storage.set_trial_state_values(trial_id, OptunaState.RUNNING)
    session.storage.set_trial_state_values(trial_id, OptunaState.COMPLETE, [0.5])
    worker = make_worker(session, plan, FakeTrainer())
    assert worker.run()
    found = {trial.number: trial.state for trial in session.study.trials}
    assert found[number] is OptunaState.FAIL
    assert [n for n, state in found.items() if state is OptunaState.WAITING] == [2]


def test_worker_whose_place_is_gone_claims_nothing(tmp_path: Path) -> None:
    plan = make_plan()
    session = open_session(tmp_path, plan, trials=3)
    worker = make_worker(session, plan, trainer := FakeTrainer())

    def gone() -> NoReturn:
        raise DiskError("it was deleted")

    worker.check_there = gone
    with pytest.raises(DiskError, match="it was deleted"):
        worker.run()
    assert trainer.calls == []
    assert session.slots.counts().free == 3
