from __future__ import annotations

from dataclasses import replace

from bcsearch.records import StudyRecord, TrialRecord, TrialState
from bcsearch.report.shifted import shifted_lines

Shifted = dict[int, tuple[float, ...]]
TRIALS = tuple(
    TrialRecord(number=number, state=TrialState.COMPLETE, score=score)
    for number, score in enumerate((0.90, 0.92, 0.91))
)
STUDY = StudyRecord(name="a", sweep="a", uuid="u", trials_wanted=3, trials=TRIALS)


def test_nothing_is_said_where_nothing_was_scored() -> None:
    assert shifted_lines(STUDY) == []


def test_trial_that_holds_better_by_more_than_the_noise_is_named() -> None:
    shifted: Shifted = {1: (0.60, 0.62, 0.61), 2: (0.70, 0.71, 0.72)}
    first, second = shifted_lines(replace(STUDY, shifted=shifted))
    assert first == (
        "accuracy@shift (ranks models, is no estimate): trial 2 0.7100 ± 0.0100, "
        "trial 1 0.6100 ± 0.0100"
    )
    assert second.startswith("trial 2 holds better on shifted images than trial 1, by 0.1000 ± ")


def test_trial_that_is_better_here_and_worse_there_is_not() -> None:
    shifted: Shifted = {1: (0.60, 0.62, 0.61), 2: (0.70, 0.55, 0.63)}
    assert len(shifted_lines(replace(STUDY, shifted=shifted))) == 1
    assert len(shifted_lines(replace(STUDY, shifted={1: (0.6, 0.7), 2: (0.5, 0.6)}))) == 1
