"""What one command tells of a study on which others work too."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import optuna
import pytest

from bcsearch import storage
from bcsearch.errors import StorageError
from bcsearch.recipe import BY_NAME
from bcsearch.records import TrialState
from bcsearch.records.events import BudgetKnown, TimeLeft, TrialSeen
from bcsearch.study import progress
from bcsearch.study.interrupts import Interrupts
from bcsearch.study.progress import ProgressTeller
from tests.fakes import FakeTrainer, Recorder, make_plan, make_worker, open_session

if TYPE_CHECKING:
    from pathlib import Path

    from bcsearch.study.session import Session


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return open_session(tmp_path, make_plan(), trials=5)


def teller_of(session: Session) -> tuple[ProgressTeller, Recorder]:
    heard = Recorder()
    return ProgressTeller(session, heard, Interrupts(heard)), heard


def run_elsewhere(session: Session, n_trials: int) -> None:
    """Run trials as another worker does, whom this one's listener does not hear."""
    worker = make_worker(session, session.plan, FakeTrainer())
    worker.most_trials = n_trials
    worker.run()


def test_trials_of_other_workers_are_told_once_with_their_scores(session: Session) -> None:
    run_elsewhere(session, 1)
    teller, heard = teller_of(session)
    teller()
    run_elsewhere(session, 2)
    teller()
    teller()
    seen = heard.of(TrialSeen)
    assert [(event.number, event.is_new) for event in seen] == [(0, False), (1, True), (2, True)]
    best = session.study.best_trial
    (of_best,) = [event for event in seen if event.number == best.number]
    assert of_best.score == pytest.approx(best.value)
    assert of_best.scores["accuracy"] == pytest.approx(best.value)
    assert of_best.params["learning_rate"] == best.params["learning_rate"]
    assert {event.state for event in seen} == {TrialState.COMPLETE}


def test_more_trials_than_a_terminal_shows_are_all_told_between_two_looks(tmp_path: Path) -> None:
    session = open_session(tmp_path, make_plan(), trials=30)
    teller, heard = teller_of(session)
    teller()
    run_elsewhere(session, 20)
    teller()
    seen = heard.of(TrialSeen)
    assert sorted(event.number for event in seen) == list(range(20))


def test_trial_with_a_parameter_of_another_program_is_told_without_it(session: Session) -> None:
    choices: dict[str, Any] = {"strange": optuna.distributions.FloatDistribution(0, 1)}
    strange = optuna.create_trial(params={"strange": 0.5}, distributions=choices, value=0.1)
    session.study.add_trial(strange)
    teller, heard = teller_of(session)
    teller()
    (event,) = heard.of(TrialSeen)
    assert set(event.params) <= set(BY_NAME)


def test_running_trial_is_told_again_as_its_score_rises(session: Session) -> None:
    trainer = FakeTrainer()
    worker = make_worker(session, session.plan, trainer)
    teller, heard = teller_of(session)
    trainer.during = lambda epoch: teller()
    worker.most_trials = 1
    worker.run()
    seen = heard.of(TrialSeen)
    assert len(seen) > 2
    assert {event.state for event in seen} == {TrialState.RUNNING}
    assert seen[0].score is None
    scores = [event.score for event in seen if event.score is not None]
    assert scores == sorted(set(scores))


def test_whole_study_is_counted_and_its_time_estimated_whoever_ran_the_trials(
    session: Session,
) -> None:
    teller, heard = teller_of(session)
    teller()
    assert heard.of(TimeLeft) == []
    run_elsewhere(session, 3)
    teller()
    known = heard.of(BudgetKnown)
    assert [(each.filled, each.trials) for each in known] == [(0, 5), (3, 5)]
    assert known[-1].best == session.study.best_value
    assert heard.of(TimeLeft)[-1].seconds > 0


def test_progress_is_told_during_a_trial_and_once_at_the_end(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LOOK_SECONDS", 0.05)
    teller, heard = teller_of(session)
    with teller:
        deadline = time.monotonic() + 20
        while len(heard.of(BudgetKnown)) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        run_elsewhere(session, 5)
    assert heard.of(BudgetKnown)[-1].filled == 5
    n_told = len(heard.events)
    time.sleep(0.2)
    assert len(heard.events) == n_told


def test_database_that_is_away_does_not_end_the_looks(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LOOK_SECONDS", 0.02)
    teller, heard = teller_of(session)
    away = [True] * 3

    def read_latest(*arguments: object) -> object:
        if away:
            away.pop()
            raise StorageError("the database is away")
        return storage.read_latest(*arguments)  # type: ignore[arg-type]  # as it was called

    with teller:
        monkeypatch.setattr(progress, "read_latest", read_latest)
        n_before = len(heard.of(BudgetKnown))
        deadline = time.monotonic() + 20
        while len(heard.of(BudgetKnown)) == n_before:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert not away
