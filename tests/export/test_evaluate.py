from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from sklearn import metrics

from bcsearch.data import ImageSet
from bcsearch.errors import DataError
from bcsearch.export.evaluate import evaluate, match_labels, score_predictions
from bcsearch.records.evaluation import ClassScore

if TYPE_CHECKING:
    from bcsearch.export.bundle import Bundle

NAMES = ("basophil", "eosinophil", "monocyte", "platelet")


class SureBundle:
    """A model that reads the class off an image: the value of its first pixel."""

    class_names = NAMES
    trained_on: frozenset[str] = frozenset()

    def unlike(self, images: np.ndarray) -> None:
        pass

    def predict(self, images: np.ndarray) -> np.ndarray:
        sure: np.ndarray = np.eye(len(NAMES), dtype=np.float32)[images[:, 0, 0, 0]]
        return sure


def evaluate_sure(true_class: Any, **changes: Any) -> Any:
    """Evaluate that model on images whose pixels are ``true_class``."""
    images = np.asarray(true_class, np.uint8)[:, np.newaxis, np.newaxis, np.newaxis] * np.ones(
        (1, 2, 2, 3), np.uint8
    )
    values: dict[str, Any] = {
        "labels": np.asarray(true_class, np.int64),
        "class_names": NAMES,
        **changes,
    }
    return evaluate(
        cast("Bundle", SureBundle()),
        ImageSet(images=images, source="cells.npz", holds="data", **values),
    )


@pytest.mark.parametrize("seed", range(3))
def test_scores_are_those_of_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = np.r_[0:4, random.integers(0, 4, 100)]
    predicted = np.where(
        random.random(len(labels)) < 0.6, labels, random.integers(0, 4, len(labels))
    )
    found = score_predictions(labels, predicted, NAMES)
    precisions, recalls, f1s, counts = metrics.precision_recall_fscore_support(labels, predicted)
    assert found.n_images == len(labels)
    assert found.accuracy == pytest.approx(metrics.accuracy_score(labels, predicted))
    assert found.macro_f1 == pytest.approx(metrics.f1_score(labels, predicted, average="macro"))
    assert found.confusion == metrics.confusion_matrix(labels, predicted).tolist()
    for index, name in enumerate(NAMES):
        scored = found.per_class[name]
        assert (scored.precision, scored.recall, scored.f1) == pytest.approx(
            (precisions[index], recalls[index], f1s[index])
        )
        assert scored.images == counts[index]


def test_class_without_images_has_no_score_where_there_is_none() -> None:
    found = score_predictions(np.array([0, 0, 1]), np.array([0, 2, 1]), NAMES)
    assert list(found.per_class) == list(NAMES)
    absent, predicted_only = found.per_class["platelet"], found.per_class["monocyte"]
    assert absent == ClassScore(images=0, precision=None, recall=None, f1=None)
    assert predicted_only == ClassScore(images=0, precision=0.0, recall=None, f1=0.0)


def test_bare_numbers_and_the_models_own_names_are_taken_as_they_are() -> None:
    assert evaluate_sure([0, 1, 2, 3]).accuracy == 1.0
    assert evaluate_sure([0, 1, 3, 3], class_names=None).accuracy == 1.0


def test_labels_are_renumbered_by_name_where_the_folders_differ() -> None:
    found = evaluate_sure(
        [1, 3, 3], labels=np.array([0, 1, 1]), class_names=("eosinophil", "platelet")
    )
    assert found.accuracy == 1.0
    assert [scored.images for scored in found.per_class.values()] == [0, 1, 0, 2]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"labels": None, "class_names": None},
            "the images have no labels to score against; use 'bcsearch predict', ",
        ),
        (
            {"labels": np.array([0, 4]), "class_names": None},
            "label 4 is unknown to the model; allowed: 0 to 3",
        ),
        (
            {"class_names": ("basophil", "lymphocyte")},
            "class 'lymphocyte' is unknown to the model; "
            "allowed: basophil, eosinophil, monocyte, platelet",
        ),
    ],
    ids=["no labels", "unknown number", "unknown name"],
)
def test_labels_that_the_model_does_not_know_are_one_clear_line(
    changes: dict[str, Any], expected: str
) -> None:
    with pytest.raises(DataError) as caught:
        evaluate_sure([0, 1], **changes)
    assert str(caught.value).startswith(expected)


@pytest.mark.parametrize(
    ("labels", "names", "numbers_are", "expected"),
    [
        ([0, 1, 1], ("monocyte", "basophil"), None, [2, 0, 0]),
        ([1, 2, 2], None, ("x", "platelet", "basophil"), [3, 0, 0]),
        ([2, 0, 0], ("0", "1", "2"), None, [2, 0, 0]),
    ],
    ids=["names in another order", "numbers with names", "folders of numbers"],
)
def test_labels_go_by_name(
    labels: list[int],
    names: tuple[str, ...] | None,
    numbers_are: tuple[str, ...] | None,
    expected: list[int],
) -> None:
    images = ImageSet(
        images=np.zeros((3, 2, 2, 3), np.uint8),
        labels=np.array(labels),
        class_names=names,
        source="x",
        holds="data",
    )
    matched = match_labels(images, NAMES, numbers_are)
    assert matched.labels.tolist() == expected
    assert ("in the model's order" in matched.note) == (names == ("0", "1", "2"))


def test_accents_are_compared_composed() -> None:
    found = evaluate_sure([0, 1], labels=np.array([0, 1]), class_names=("basophil", "eosinophil"))
    assert found.accuracy == 1.0
    images = ImageSet(
        images=np.zeros((1, 2, 2, 3), np.uint8),
        labels=np.array([0]),
        class_names=("Mu\u0308ll",),
        source="x",
        holds="data",
    )
    assert match_labels(images, ("Glas", "M\u00fcll")).labels.tolist() == [1]


def test_numbers_that_may_count_from_one_are_refused_by_naming_the_choice() -> None:
    with pytest.raises(DataError, match=r"count from 0 or 1; .* --class-names a,b,c"):
        evaluate_sure([0, 1], labels=np.array([1, 2]), class_names=None)


def test_an_unknown_class_of_many_is_a_short_line() -> None:
    names = tuple(f"{number} {'x' * 400}" for number in range(300))
    images = ImageSet(
        images=np.zeros((1, 2, 2, 3), np.uint8),
        labels=np.array([0]),
        class_names=("y" * 400,),
        source="x",
        holds="data",
    )
    with pytest.raises(DataError) as caught:
        match_labels(images, names)
    assert len(str(caught.value)) < 500
