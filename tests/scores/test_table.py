from __future__ import annotations

import numpy as np
import pytest

from bcsearch.config import Search
from bcsearch.scores.table import SCORES, chosen_scores

LABELS = np.arange(40) % 4


@pytest.mark.parametrize("name", SCORES)
def test_right_predictions_score_more_than_wrong_ones_and_nothing_scores_less_than_nan(
    name: str,
) -> None:
    score = SCORES[name]
    right = np.eye(4)[LABELS] * 0.9 + 0.025
    wrong = np.eye(4)[(LABELS + 1) % 4] * 0.9 + 0.025
    impossible = np.eye(4)[(LABELS + 1) % 4]
    assert score(LABELS, right) > score(LABELS, wrong) >= score(LABELS, impossible) >= score.worst
    assert score(LABELS, np.full((40, 4), np.nan)) == score.worst
    assert score.doc.endswith(".")


def test_score_that_ranks_comes_first_then_clean_ones_then_those_asked_for() -> None:
    names = [score.name for score in chosen_scores(Search(score="macro_f1"))]
    clean = [name for name, row in SCORES.items() if not row.shift]
    assert names == ["macro_f1", *(name for name in clean if name != "macro_f1")]
    shifted = chosen_scores(Search(also=("accuracy@jpeg30",)))
    assert [score.name for score in shifted][-1] == "accuracy@jpeg30"
    assert shifted[-1].shift


def test_shifted_score_may_rank() -> None:
    first = chosen_scores(Search(score="accuracy@jpeg30"))[0]
    assert first.name == "accuracy@jpeg30"
