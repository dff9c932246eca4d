from __future__ import annotations

from dataclasses import replace

import pytest

from bcsearch.errors import StudyError
from bcsearch.records import StudyRecord, TrialState
from bcsearch.report.summary import BEST_SHOWN, best_facts, best_text, status_facts, status_text


def test_status_counts_slots_and_states_and_ranks_completed_trials(study: StudyRecord) -> None:
    facts = status_facts(study)
    assert (facts.trials_done, facts.trials_wanted) == (3, 10)
    assert facts.states == {"running": 1, "complete": 2, "pruned": 1, "fail": 1}
    assert [best.trial for best in facts.best] == [2, 0]


def test_status_shows_the_best_few_only(study: StudyRecord) -> None:
    many = replace(study, trials=tuple(replace(study.trials[0], number=number) for number in range(9)))
    assert [best.trial for best in status_facts(many).best] == list(range(BEST_SHOWN))


def test_best_holds_its_folds_at_its_best_epoch(study: StudyRecord) -> None:
    facts = best_facts(replace(study, trials=study.trials[:2]))
    assert (facts.trial, facts.score, facts.epochs, facts.seconds) == (0, 0.8, 2, 2.5)
    assert facts.fold_scores == (0.7, 0.9)
    assert facts.spread == pytest.approx(0.02**0.5)


def test_best_before_the_first_completed_trial_is_one_clear_line(study: StudyRecord) -> None:
    pruned = tuple(trial for trial in study.trials if trial.state is not TrialState.COMPLETE)
    with pytest.raises(StudyError, match=r"^study 'cells-2' has no completed trial yet; run more with 'bcsearch run'$"):
        best_facts(replace(study, trials=pruned))


def test_one_fold_has_no_spread(study: StudyRecord) -> None:
    only = replace(study.trials[2], epochs=(replace(study.trials[2].epochs[0], fold_scores=(0.9,)),))
    assert best_facts(replace(study, trials=(only,))).spread == 0.0


def test_status_in_lines(study: StudyRecord) -> None:
    assert status_text(status_facts(study)).splitlines() == [
        "study cells-2: 3 of 10 trials done (1 running, 2 complete, 1 pruned, 1 fail)",
        "  trial 2: 0.9000 optimizer=sgd",
        "  trial 0: 0.8000 learning_rate=0.00123 units_1=128",
    ]
    assert "(no trials yet)" in status_text(status_facts(replace(study, trials=())))


def test_best_in_lines(study: StudyRecord) -> None:
    assert best_text(best_facts(replace(study, trials=study.trials[:1]))).splitlines() == [
        "study cells-2, trial 0: score 0.8000 after 2 epochs",
        "  folds: 0.7000, 0.9000 (standard deviation 0.1414)",
        "  learning_rate = 0.00123",
        "  units_1 = 128",
    ]
