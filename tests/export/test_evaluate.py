from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from sklearn import metrics

from bcsearch.data import ImageSet
from bcsearch.errors import DataError
from bcsearch.export.evaluate import evaluate, score_predictions
from bcsearch.records.evaluation import ClassScore

if TYPE_CHECKING:
    from bcsearch.export.bundle import Bundle

NAMES = ("basophil", "eosinophil", "monocyte", "platelet")


class SureBundle:
    """A model that reads the class off an image: the value of its first pixel."""

    class_names = NAMES

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
