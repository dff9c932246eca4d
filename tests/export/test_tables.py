from __future__ import annotations

import csv
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from bcsearch.export.tables import folds_csv, predictions_csv, trials_csv
from bcsearch.records import StudyRecord

if TYPE_CHECKING:
    from collections.abc import Sequence


def rows_of(text: str) -> list[dict[str, str]]:
    lines = text.splitlines()
    assert len({len(row) for row in csv.reader(lines)}) == 1
    return list(csv.DictReader(lines))


def test_every_trial_is_one_line_with_all_parameters_of_the_study(study: StudyRecord) -> None:
    rows = rows_of(trials_csv(study))
    assert [row["state"] for row in rows] == ["complete", "pruned", "complete", "running", "fail"]
    assert list(rows[0])[-3:] == ["learning_rate", "optimizer", "units_1"]
    assert rows[0] == {
        "trial": "0",
        "state": "complete",
        "accuracy": "0.8",
        "macro_f1": "0.4",
        "best_epoch": "1",
        "epochs": "3",
        "started": "2026-01-01T12:00:00+00:00",
        "seconds": "2.5",
        "train_seconds": "2.0",
        "note": "",
        "learning_rate": "0.00123",
        "optimizer": "",
        "units_1": "128",
    }
    assert rows[1]["note"] == 'slow, "odd"'
    assert set(list(rows[3].values())[2:]) == {
        "",
        "0",
    }  # nothing is known of a trial that just began


def test_every_epoch_is_one_line_with_the_score_of_every_fold(study: StudyRecord) -> None:
    rows = rows_of(folds_csv(study))
    assert [(row["trial"], row["epoch"]) for row in rows] == [
        ("0", "0"),
        ("0", "1"),
        ("0", "2"),
        ("1", "0"),
        ("2", "0"),
    ]
    assert rows[1] == {
        "trial": "0",
        "epoch": "1",
        "accuracy": "0.8",
        "accuracy_fold_0": "0.7",
        "accuracy_fold_1": "0.9",
        "macro_f1": "0.4",
        "macro_f1_fold_0": "0.35",
        "macro_f1_fold_1": "0.45",
        "train_loss": "0.5",
        "learning_rate": "0.01",
    }


def test_ranking_score_is_the_first_column_of_scores(study: StudyRecord) -> None:
    (header, *_) = trials_csv(replace(study, score="macro_f1")).splitlines()
    assert header.startswith("trial,state,macro_f1,accuracy,best_epoch")


def test_trial_without_some_score_has_empty_cells(study: StudyRecord) -> None:
    first = study.trials[0].epochs[0]
    single = replace(first, scores={"accuracy": (0.5,)})
    trials = (replace(study.trials[0], epochs=(single,)), *study.trials[1:])
    row = rows_of(folds_csv(replace(study, trials=trials)))[0]
    assert (row["accuracy"], row["accuracy_fold_0"], row["accuracy_fold_1"]) == ("0.5", "0.5", "")
    assert (row["macro_f1"], row["macro_f1_fold_1"]) == ("", "")


def test_study_without_trials_has_a_header_only() -> None:
    empty = StudyRecord(name="cells", sweep="cells", uuid="u", trials_wanted=10)
    assert (
        trials_csv(empty)
        == "trial,state,accuracy,best_epoch,epochs,started,seconds,train_seconds,note\n"
    )
    assert folds_csv(empty) == "trial,epoch,train_loss,learning_rate\n"


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        ([0.25, 0.75], "a.png,1,eosinophil,0.75,0.25,0.75,"),
        ([0.5, 0.5], "a.png,0,basophil,0.5,0.5,0.5,"),
    ],
    ids=["likeliest", "tie"],
)
def test_prediction_names_the_likeliest_class(
    probabilities: Sequence[float], expected: str
) -> None:
    text = predictions_csv(["a.png"], ["basophil", "eosinophil"], [probabilities])
    assert (
        text == "image,predicted_label,predicted_class,probability,probability_basophil,"
        f"probability_eosinophil,unlike\n{expected}\n"
    )


def test_prediction_tells_in_which_measures_an_image_is_unlike_those_of_the_training() -> None:
    ways = [("brightness", "sharpness"), ()]
    rows = rows_of(predictions_csv(["a.png", "b.png"], ["x"], [[1.0], [1.0]], ways))
    assert [row["unlike"] for row in rows] == ["brightness sharpness", ""]


def test_names_with_commas_stay_one_cell() -> None:
    (row,) = rows_of(predictions_csv(["a, b.png"], ["one, two", "three"], [[1.0, 0.0]]))
    assert row == {
        "image": "a, b.png",
        "predicted_label": "0",
        "predicted_class": "one, two",
        "probability": "1.0",
        "probability_one, two": "1.0",
        "probability_three": "0.0",
        "unlike": "",
    }


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_names_are_no_formulas_and_hide_no_column(start: str) -> None:
    name = f"{start}cmd|' /C calc'!A0"
    text = predictions_csv([name], ["image", name], [[0.25, 0.75]])
    header, row = csv.reader(StringIO(text, newline=""))
    assert row == [f"'{name}", "1", f"'{name}", "0.75", "0.25", "0.75", ""]
    assert len(set(header)) == len(header) == 7
    assert not [cell for cell in header if cell.startswith(start)]


def test_names_with_line_ends_stay_one_cell() -> None:
    text = predictions_csv(["a\rb\nc"], ["x"], [[1.0]])
    _, row = csv.reader(StringIO(text, newline=""))
    assert row[0] == "a\\rb\nc"


def test_numbers_below_zero_stay_numbers(study: StudyRecord) -> None:
    first = study.trials[0].epochs[0]
    trials = (replace(study.trials[0], epochs=(replace(first, scores={"log_loss": (-0.5,)}),)),)
    (row,) = rows_of(folds_csv(replace(study, trials=trials)))
    assert row["log_loss"] == row["log_loss_fold_0"] == "-0.5"


def test_every_image_needs_its_probabilities() -> None:
    with pytest.raises(ValueError, match="zip"):
        predictions_csv(["a.png", "b.png"], ["x"], [[1.0]])
