"""The figure of a trial: its numbers, and that it is sound XML whatever comes."""

from __future__ import annotations

from math import inf, nan
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from bcsearch.artifacts.files import Labels
from bcsearch.export.trial_figure import count_out_of_fold, draw_trial, trial_curves
from bcsearch.records import TrialState
from tests.fakes import make_scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.export.trial_figure import TrialCurves

LABELS = Labels(np.array([0, 0, 1, 2]), ("basophil", "eosinophil", "platelet"))
OUT_OF_FOLD = np.eye(3, dtype=np.float16)[[0, 1, 1, 2]]
FOLDS = ((0.5, 0.7), (0.7, 0.9), (0.6, 0.8))  # the best epoch is 1


def curves_of(
    folds: Sequence[tuple[float, ...]] = FOLDS,
    labels: Labels | None = LABELS,
    out_of_fold: np.ndarray | None = OUT_OF_FOLD,
) -> TrialCurves:
    epochs = [make_scores(epoch, *scores, score="macro_f1") for epoch, scores in enumerate(folds)]
    return trial_curves(7, TrialState.COMPLETE, epochs, labels, out_of_fold)


def test_images_are_counted_by_true_and_likeliest_class_as_elsewhere() -> None:
    rng = np.random.default_rng(0)
    labels, probabilities = rng.integers(0, 5, 300), rng.random((300, 5)).astype(np.float16)
    expected = confusion_matrix(labels, probabilities.argmax(axis=1), labels=range(5))
    np.testing.assert_array_equal(count_out_of_fold(labels, probabilities), expected)


def test_images_never_validated_are_left_out() -> None:
    probabilities = np.array([[0.9, 0.1], [nan, nan], [0.2, 0.8], [nan, 0.5]])
    counts = count_out_of_fold(np.array([0, 0, 0, 1]), probabilities)
    np.testing.assert_array_equal(counts, [[1, 1], [0, 0]])


def test_study_of_which_nothing_was_validated_has_empty_counts() -> None:
    assert count_out_of_fold(np.array([0, 1]), np.full((2, 2), nan)).tolist() == [[0, 0], [0, 0]]


def test_title_names_trial_state_score_and_best_epoch() -> None:
    expected = "Trial 7: complete after 3 epochs, best macro_f1 0.8000 at epoch 1"
    assert curves_of().title == expected


def test_curves_are_the_scores_of_folds_and_their_mean() -> None:
    curves = curves_of()
    np.testing.assert_array_equal(curves.folds, np.array(FOLDS).T)
    np.testing.assert_allclose(curves.mean, [0.6, 0.8, 0.7])
    assert (curves.score, curves.best) == ("macro_f1", 1)


def test_matrix_counts_true_classes_in_rows() -> None:
    counts = curves_of().confusion
    assert counts is not None
    assert counts.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]


def test_axes_and_counts_are_named() -> None:
    figure = draw_trial(curves_of()).decode()
    texts = (
        "macro_f1",
        "epoch, counted from 0",
        "true class",
        "predicted class",
        "eosinophil",
        "3 of 4 images right, out of fold",
        "Trial 7: complete after 3 epochs, best macro_f1 0.8000 at epoch 1",
    )
    for text in texts:
        assert f">{text}</text>" in figure


def test_figure_is_800_pixels_wide() -> None:
    figure = ElementTree.fromstring(draw_trial(curves_of()))
    assert figure.get("width") == "600pt"  # 4 points are 3 pixels


@pytest.mark.parametrize(("labels", "out_of_fold"), [(None, OUT_OF_FOLD), (LABELS, None)])
def test_trial_without_predictions_says_so(
    labels: Labels | None, out_of_fold: np.ndarray | None
) -> None:
    curves = curves_of(labels=labels, out_of_fold=out_of_fold)
    assert curves.confusion is None
    assert b"no predictions are kept of this trial" in draw_trial(curves)


@pytest.mark.parametrize(
    "folds",
    [
        ((0.5,),),
        ((0.5, 0.6, 0.7),),
        ((nan, nan), (0.5, 0.6), (nan, 0.7)),
        ((nan,),),
        ((-inf,), (0.5,)),
        (),
        ((0.0,), (0.0,)),
    ],
    ids=["one epoch and fold", "one epoch", "some NaN", "all NaN", "infinite", "no epoch", "flat"],
)
def test_any_scores_can_be_drawn(folds: tuple[tuple[float, ...], ...]) -> None:
    curves = curves_of(folds)
    assert not np.isinf(curves.folds).any()
    ElementTree.fromstring(draw_trial(curves))


def test_best_epoch_is_the_best_of_the_finite_ones() -> None:
    assert curves_of(((0.1,), (nan,), (0.3,), (inf,))).best == 2
    assert curves_of(((nan,),)).best is None


@pytest.mark.parametrize("n_classes", [2, 8, 30])
def test_long_names_of_many_classes_are_cut(n_classes: int) -> None:
    names = tuple(f"class of a name too long to be written {index}" for index in range(n_classes))
    labels = Labels(np.arange(n_classes), names)
    curves = curves_of(labels=labels, out_of_fold=np.eye(n_classes))
    assert {len(name) for name in curves.class_names} == {24}
    ElementTree.fromstring(draw_trial(curves))


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "a & b", 'quo"te', "a -- b", "$x^$", "\x00\x1b", "bad \udcff"],
)
def test_class_names_are_text_and_nothing_else(name: str) -> None:
    labels = Labels(LABELS.of_images, (name, "b", "c"))
    figure = ElementTree.fromstring(draw_trial(curves_of(labels=labels)))
    assert not [tag for tag in figure.iter() if tag.tag.endswith("script")]
