from __future__ import annotations

import numpy as np
import pytest

from bcsearch.config import Search
from bcsearch.scores.table import CLEAN_ROWS, MIXED, SCORES, Score, chosen_scores
from bcsearch.views.mixed import FAMILIES, families_of

ROWS = np.arange(600)
LABELS = ROWS % 4
RIGHT = np.eye(4)[LABELS] * 0.9 + 0.025
WRONG = np.eye(4)[(LABELS + 1) % 4] * 0.9 + 0.025
IMPOSSIBLE = np.eye(4)[(LABELS + 1) % 4]


def scored(score: Score, predicted: np.ndarray) -> float:
    return score(LABELS, [predicted] * len(score.shifts), ROWS)


@pytest.mark.parametrize("name", SCORES)
def test_right_predictions_score_more_than_wrong_ones_and_nothing_scores_less_than_nan(
    name: str,
) -> None:
    score = SCORES[name]
    right, wrong, impossible = (scored(score, each) for each in (RIGHT, WRONG, IMPOSSIBLE))
    assert right > wrong >= impossible >= score.worst
    assert scored(score, np.full((600, 4), np.nan)) == score.worst
    assert score.doc.endswith(".")


def test_score_that_ranks_comes_first_then_clean_ones_then_those_asked_for() -> None:
    names = [score.name for score in chosen_scores(Search(score="macro_f1"))]
    clean = [row.name for row in CLEAN_ROWS]
    assert names == ["macro_f1", *(name for name in clean if name != "macro_f1")]
    shifted = chosen_scores(Search(also=("accuracy@jpeg30",)))
    assert [score.name for score in shifted][-1] == "accuracy@jpeg30"


@pytest.mark.parametrize("name", ["accuracy@jpeg30", "macro_f1@shift", "accuracy@worst"])
def test_shifted_score_may_rank(name: str) -> None:
    assert chosen_scores(Search(score=name))[0].name == name


def wrong_on(family: str) -> list[np.ndarray]:
    """Return predictions in both mixed views that are wrong on the images of one family alone."""
    found = []
    for shift in MIXED:
        of_family = families_of(shift, ROWS) == FAMILIES.index(family)
        found.append(np.where(of_family[:, np.newaxis], WRONG, RIGHT))
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_score_of_a_family_is_of_its_images_alone_and_the_worst_is_that_of_the_lowest(
    family: str,
) -> None:
    seen = wrong_on(family)
    found = {
        name: SCORES[f"accuracy@{name.replace(' ', '_')}"](LABELS, seen, ROWS)
        for name in (*FAMILIES, "worst", "shift")
    }
    assert found.pop("shift") == pytest.approx(1 - 1 / len(FAMILIES), abs=0.02)
    assert found.pop("worst") == found.pop(family) == 0.0
    assert set(found.values()) == {1.0}


def test_some_rows_are_scored_by_what_was_done_to_them() -> None:
    rows = np.arange(5, 600, 7)
    seen = [each[rows] for each in wrong_on("blur")]
    assert SCORES["accuracy@blur"](LABELS[rows], seen, rows) == 0.0
    assert SCORES["accuracy@zoom"](LABELS[rows], seen, rows) == 1.0
