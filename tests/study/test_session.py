from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bcsearch.records.events import BudgetKnown
from tests.fakes import FakeTrainer, make_plan, make_worker, open_session

if TYPE_CHECKING:
    from pathlib import Path

BUDGETS: dict[str, tuple[list[int | None], int]] = {
    "the sweep's": ([None], 100),
    "the option's": ([7], 7),
    "kept on resume": ([7, None], 7),
    "raised": ([7, 9], 9),
    "lowered": ([7, 4], 4),
}


@pytest.mark.parametrize("case", BUDGETS)
def test_budget_is_the_last_that_was_asked_for(case: str, tmp_path: Path) -> None:
    asked, expected = BUDGETS[case]
    for trials in asked:
        session = open_session(tmp_path, make_plan(), trials=trials)
    assert session.slots.counts().total == session.record().trials_wanted == expected


def test_budget_below_what_is_done_keeps_what_is_done(tmp_path: Path) -> None:
    plan = make_plan()
    make_worker(open_session(tmp_path, plan, trials=3), plan, FakeTrainer()).run()
    session = open_session(tmp_path, plan, trials=1)
    assert session.slots.counts().is_done
    assert session.record().slots_filled == 3


def test_record_holds_every_epoch_of_every_trial(tmp_path: Path) -> None:
    plan = make_plan()
    session = open_session(tmp_path, plan, trials=2)
    make_worker(session, plan, FakeTrainer()).run()
    assert [len(trial.epochs) for trial in session.record().trials] == [5, 5]


def test_progress_tells_what_other_processes_have_done(tmp_path: Path) -> None:
    plan = make_plan()
    watching, working = open_session(tmp_path, plan, trials=3), open_session(tmp_path, plan)
    assert watching.progress() == BudgetKnown(trials=3, filled=0, best=None)
    make_worker(working, plan, FakeTrainer()).run()
    best = working.record().best
    assert best is not None
    assert watching.progress() == BudgetKnown(
        trials=3, filled=3, best=best.score, best_number=best.number
    )


def test_files_of_a_study_lie_in_its_folder(tmp_path: Path) -> None:
    session = open_session(tmp_path, make_plan())
    assert session.artifacts.folder == session.files
    assert session.bundle_dir.parent == session.files
    assert not session.bundle_dir.exists()
