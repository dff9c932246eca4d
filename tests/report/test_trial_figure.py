"""The figure of a trial by its numbers: what lies where, what is written, that it is sound XML whatever comes."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pytest

from bcsearch.records import EpochScores, TrialState
from bcsearch.report.trial_figure import WIDTH, trial_figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

SVG = "{http://www.w3.org/2000/svg}"
CLASSES = ("basophil", "eosinophil", "platelet")
COUNTS = np.array([[8, 2, 0], [0, 5, 5], [1, 0, 1009]])
FOLDS = ((0.5, 0.7), (0.7, 0.9), (0.6, 0.8))  # the best epoch is 1


def epochs(*folds: tuple[float, ...]) -> tuple[EpochScores, ...]:
    return tuple(
        EpochScores(epoch=epoch, fold_scores=scores, train_loss=1.0, learning_rate=0.01)
        for epoch, scores in enumerate(folds)
    )


def drawn(
    scores: Sequence[tuple[float, ...]] = FOLDS,
    classes: Sequence[str] = CLASSES,
    counts: np.ndarray | None = COUNTS,
) -> Element:
    return ElementTree.fromstring(
        trial_figure(7, TrialState.PRUNED, epochs(*scores), classes, counts)
    )


def texts(figure: Element) -> list[str]:
    return [text.text or "" for text in figure.iter(f"{SVG}text")]


def paths(figure: Element, style: str) -> list[str]:
    return [path.get("d", "") for path in figure.iter(f"{SVG}path") if path.get("class") == style]


def points(path: str) -> list[tuple[float, float]]:
    steps = path.replace("h0", "").replace("M", " ; ").replace("L", " ; ").split(";")
    return [(float(x), float(y)) for x, y in (step.split() for step in steps if step.strip())]


def test_head_tells_trial_state_and_best_epoch() -> None:
    assert {"Trial 7", "pruned after 3 epochs, best score 0.8000 at epoch 1"} <= set(texts(drawn()))


def test_each_fold_and_the_mean_between_them_rise_where_scores_rise() -> None:
    figure = drawn()
    folds = [points(path) for path in paths(figure, "fold")[:2]]  # the third stands in the legend
    mean = points(paths(figure, "mean")[0])
    assert [len(line) for line in (*folds, mean)] == [3, 3, 3]
    for (x, low), (_, high), (middle_x, middle) in zip(*folds, mean, strict=True):
        assert x == middle_x
        assert low > middle > high  # pixels grow downwards
        assert middle == pytest.approx((low + high) / 2, abs=0.11)
    assert min(mean, key=lambda point: point[1]) == mean[1]


def test_best_epoch_is_marked_on_the_mean() -> None:
    figure = drawn()
    mark = next(figure.iter(f"{SVG}circle"))
    assert (float(mark.get("cx", 0)), float(mark.get("cy", 0))) == points(paths(figure, "mean")[0])[
        1
    ]


def test_axes_have_words_and_round_ticks() -> None:
    written = texts(drawn())
    assert {"score", "epoch, counted from 0", "true class", "predicted class"} <= set(written)
    assert {"0.50", "0.70", "0.90"} <= set(written) or {"0.5", "0.7", "0.9"} <= set(written)
    assert {"0", "1", "2"} <= set(written)


def test_matrix_shows_counts_and_is_shaded_by_share_of_the_true_class() -> None:
    figure = drawn()
    assert "1,022 of 1,030 images right, out of fold" in texts(figure)
    (group,) = [group for group in figure.iter(f"{SVG}g") if group.get("class") == "counts"]
    cells, counts = list(group.iter(f"{SVG}rect")), [text.text for text in group.iter(f"{SVG}text")]
    assert counts == ["8", "2", "5", "5", "1", "1009"]  # what is 0 is left blank
    reds = [int(cell.get("fill", "")[1:3], 16) for cell in cells]
    assert reds[5] < reds[0] < reds[2] == reds[3] < reds[1] < reds[4]
    rows = [float(cell.get("y", 0)) for cell in cells]
    assert rows[0] == rows[1] < rows[2] == rows[3] < rows[4] == rows[5]


def test_trial_without_predictions_says_so() -> None:
    assert "no predictions are kept of this trial" in texts(drawn(counts=None))


@pytest.mark.parametrize(
    "scores",
    [
        ((0.5,),),
        ((0.5, 0.6, 0.7),),
        ((nan, nan), (0.5, 0.6), (nan, 0.7)),
        ((nan,),),
        (),
        ((0.0,), (0.0,)),
    ],
    ids=[
        "one epoch and fold",
        "one epoch",
        "some are no number",
        "none is a number",
        "no epoch",
        "flat",
    ],
)
def test_any_scores_can_be_drawn(scores: tuple[tuple[float, ...], ...]) -> None:
    figure = drawn(scores)
    assert "nan" not in ElementTree.tostring(figure, encoding="unicode")


def test_line_is_broken_where_a_score_is_no_number() -> None:
    (mean, _) = paths(drawn(((0.1,), (nan,), (0.3,), (0.4,))), "mean")
    assert (mean.count("M"), mean.count("L")) == (2, 1)


@pytest.mark.parametrize("n_classes", [2, 8, 20, 30])
def test_everything_lies_inside_however_many_classes_there_are(n_classes: int) -> None:
    names = [f"class of a name too long to be written {index}" for index in range(n_classes)]
    counts = np.full((n_classes, n_classes), 1234)
    figure = drawn(classes=names, counts=counts)
    height = float(figure.get("height", 0))
    boxes = [box for box in figure.iter(f"{SVG}rect") if box.get("x")]
    assert len(boxes) == n_classes**2
    for box in boxes:
        x, y, side = (float(box.get(key, 0)) for key in ("x", "y", "width"))
        assert 0 < x < x + side < WIDTH
        assert 0 < y < y + side < height
    mean = points(paths(figure, "mean")[0])
    assert max(x for x, _ in mean) < min(float(box.get("x", 0)) for box in boxes) - 50


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "a & b", 'quo"te', "\x00\x1b", "bad \udcff", "Zelle\n1"]
)
def test_class_names_are_text_and_nothing_else(name: str) -> None:
    text = trial_figure(0, TrialState.COMPLETE, epochs(*FOLDS), (name, "b", "c"), COUNTS)
    figure = ElementTree.fromstring(text.encode())
    assert not list(figure.iter(f"{SVG}script"))
    assert "href" not in text
