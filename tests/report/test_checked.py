from __future__ import annotations

from dataclasses import replace

import pytest

from bcsearch.records import StudyRecord, TrialRecord, TrialState
from bcsearch.records.checked import Baseline, Certificate, MostAlike
from bcsearch.report.checked import baselines_table, beaten_text, certificate_lines
from tests.fakes import make_scores

LINEAR = (0.80, 0.90, 0.85)
CERTIFICATE = Certificate(
    n_images=100,
    set_aside={"junk": 7, "copy, other label": 2},
    n_grouped=4,
    n_to_review=3,
    seen_by="efficientnet_lite0 at 96 pixels",
    baselines=(
        Baseline(name="largest class", scores={"accuracy": (0.2, 0.2, 0.2)}),
        Baseline(name="linear head", scores={"accuracy": LINEAR}),
    ),
    as_it_came=(0.95, 0.95, 0.95),
    most_alike=MostAlike(row=3, other=8, cosine=0.8123),
    left_out=("label errors need cleanlab",),
)


def study(*folds: float) -> StudyRecord:
    trial = TrialRecord(
        number=4,
        state=TrialState.COMPLETE,
        score=sum(folds) / len(folds),
        epochs=(make_scores(0, *folds),),
    )
    return StudyRecord(
        name="a", sweep="a", uuid="u", trials_wanted=1, trials=(trial,), certificate=CERTIFICATE
    )


def test_certificate_says_what_was_done_what_is_left_and_what_it_was_worth() -> None:
    assert certificate_lines(CERTIFICATE) == [
        "9 of 100 images are set aside (junk: 7; copy, other label: 2)",
        "4 images are copies of one another; no fold splits them",
        "3 images are worth a look; 'bcsearch data check' shows them",
        "the most similar images on both sides of a fold are rows 3 and 8, cosine 0.812",
        "accuracy of the linear head: 0.9500 on the data as it came, 0.8500 without what is set "
        "aside and without copies across folds",
        "accuracy to beat, by efficientnet_lite0 at 96 pixels: largest class 0.2000 ± 0.0000, "
        "linear head 0.8500 ± 0.0500",
        "left out: label errors need cleanlab",
    ]
    assert certificate_lines(Certificate(n_images=5)) == []


def test_table_of_baselines_has_a_row_for_each_and_a_column_for_each_score() -> None:
    head, *rows = baselines_table(CERTIFICATE).splitlines()
    assert head.split() == ["to", "beat", "accuracy"]
    assert [row.split()[-3:] for row in rows] == [
        ["0.2000", "±", "0.0000"],
        ["0.8500", "±", "0.0500"],
    ]


@pytest.mark.parametrize(
    ("folds", "said"),
    [
        ((0.90, 0.99, 0.96), False),  # better in every fold by about as much
        ((0.95, 0.91, 0.72), True),  # here better, there worse
        ((0.80, 0.90, 0.85), True),
        ((0.70, 0.80, 0.75), True),
    ],
)
def test_winner_that_does_not_beat_the_linear_head_is_told(
    folds: tuple[float, ...], said: bool
) -> None:
    text = beaten_text(study(*folds))
    assert bool(text) == said
    if said:
        assert text.startswith(
            "trial 4 does not beat the baseline 'linear head' by more than the fold noise"
        )


@pytest.mark.parametrize(("score", "said"), [(0.7, True), (0.86, False)])
def test_on_a_single_split_no_noise_is_claimed(score: float, said: bool) -> None:
    linear = Baseline(name="linear head", scores={"accuracy": (0.85,)})
    single = replace(study(score), certificate=replace(CERTIFICATE, baselines=(linear,)))
    text = beaten_text(single)
    assert bool(text) == said
    assert "noise" not in text
    assert "±" not in text


def test_the_best_baseline_is_to_be_beaten() -> None:
    near = Baseline(name="nearest neighbours", scores={"accuracy": (0.95, 0.95, 0.95)})
    other = replace(CERTIFICATE, baselines=(near, *CERTIFICATE.baselines))
    assert other.to_beat == near
    text = beaten_text(replace(study(0.9, 0.96, 0.93), certificate=other))
    assert "'nearest neighbours'" in text


def test_copies_across_a_given_split_are_told_as_such() -> None:
    given = replace(CERTIFICATE, n_leaked=3)
    (line,) = [line for line in certificate_lines(given) if "copies of" in line]
    assert line.startswith("warning: 3 validation images are changed copies of training images")


def test_nothing_is_said_where_the_folds_are_others_or_nothing_is_known() -> None:
    assert beaten_text(study(0.5, 0.5)) == ""
    assert beaten_text(StudyRecord(name="a", sweep="a", uuid="u", trials_wanted=1)) == ""
