"""Which trial is refitted; that the model itself is right is tested on real runs."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from bcsearch.errors import StudyError
from bcsearch.records import StudyRecord, TrialRecord, TrialState

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

STATES = (
    TrialState.COMPLETE,
    TrialState.PRUNED,
    TrialState.COMPLETE,
    TrialState.FAIL,
    TrialState.RUNNING,
)
TRIALS = tuple(
    TrialRecord(number=number, state=state, score=0.5 + number)
    for number, state in enumerate(STATES)
)
STUDY = StudyRecord(name="cells-2", sweep="cells", uuid="u", trials_wanted=9, trials=TRIALS)


def refitted(folder: Path, study: StudyRecord, number: int | None) -> int:
    """Return the number of the trial whose ledger entry is asked for."""
    from bcsearch.study.ending import refit_trial

    asked: list[int] = []
    ledger = SimpleNamespace(entry_of=asked.append)  # has no entry
    place = {"results": folder, "name": study.name, "uuid": study.uuid}
    session = cast("Any", SimpleNamespace(**place, ledger=ledger, record=lambda: study))
    with pytest.raises(StudyError) as caught:
        refit_trial(cast("Any", None), session, lambda: None, lambda event: None, number=number)
    if not asked:
        raise caught.value
    assert "has no ledger entry" in str(caught.value)
    return asked[0]


@pytest.mark.parametrize(("number", "expected"), [(None, 2), (0, 0), (2, 2)])
def test_best_trial_is_refitted_or_the_one_that_is_named(
    number: int | None, expected: int, tmp_path: Path
) -> None:
    assert refitted(tmp_path, STUDY, number) == expected


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (1, "its state is pruned"),
        (3, "its state is fail"),
        (4, "its state is running"),
        (5, "the study has trials 0 to 4"),
        (-1, "the study has trials 0 to 4"),
    ],
)
def test_trial_that_cannot_be_refitted_is_one_line_that_says_why(
    number: int, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(StudyError) as caught:
        refitted(tmp_path, STUDY, number)
    assert str(caught.value) == (
        f"--trial: came {number}, {reason}; allowed: a complete trial; "
        "'bcsearch status --study cells-2' lists the best"
    )


@pytest.mark.parametrize("number", [None, 1])
def test_study_without_a_completed_trial_has_nothing_to_refit(
    number: int | None, tmp_path: Path
) -> None:
    pruned = replace(STUDY, trials=TRIALS[1:2])
    with pytest.raises(
        StudyError, match=r"^study 'cells-2' has no completed trial to refit; run more with"
    ):
        refitted(tmp_path, pruned, number)
