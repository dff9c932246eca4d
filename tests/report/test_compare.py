from __future__ import annotations

from typing import Any

import pytest

from bcsearch.errors import ConfigError, StudyError
from bcsearch.recipe import Params
from bcsearch.records import StudyRecord, TrialRecord, TrialState
from bcsearch.records.backbones import BackboneFacts
from bcsearch.report.compare import backbones_of, compare, compared_text
from tests.fakes import make_scores

LITE = BackboneFacts(
    name="efficientnet_lite0",
    parameters=3_400_000,
    natural_size=224,
    image_size=96,
    cuts=(),
    weights="imagenet",
    images_per_second=200.0,
)


def trial(number: int, *folds: float, **params: Any) -> TrialRecord:
    return TrialRecord(
        number=number,
        state=TrialState.COMPLETE,
        score=sum(folds) / len(folds),
        acting=Params(**params).acting,
        epochs=(make_scores(0, *folds),),
        train_seconds=4.0 + number,
    )


def study(name: str, *trials: TrialRecord) -> StudyRecord:
    weights = {"weights.efficientnet_lite0": "imagenet a1", "weights.resnet18": "random b2"}
    return StudyRecord(
        name=name, sweep=name, uuid=name, trials_wanted=9, trials=trials, fingerprint=weights
    )


FIRST = study(
    "cells",
    trial(0, 0.8, 0.9),
    trial(1, 0.7, 0.7, backbone="resnet18"),
    trial(2, 0.85, 0.95, augment="light"),
)
SPLIT = study("split", trial(0, 0.88), trial(1, 0.6, backbone="resnet18"))


def test_studies_are_compared_by_their_best_trials_the_best_first() -> None:
    lines = compare([(SPLIT, None), (FIRST, None)], None, {})
    assert [(line.study, line.trial, line.trials) for line in lines] == [
        ("cells", 2, 3),
        ("split", 0, 2),
    ]
    assert [line.score for line in lines] == [pytest.approx(0.9), pytest.approx(0.88)]
    assert [(line.folds, line.spread is None) for line in lines] == [(2, False), (1, True)]


def test_values_of_a_parameter_are_compared_across_studies_with_what_they_cost() -> None:
    lines = compare([(FIRST, None), (SPLIT, None)], "backbone", {LITE.name: LITE})
    assert [(line.value, line.study) for line in lines] == [
        ("efficientnet_lite0", "cells"),
        ("efficientnet_lite0", "split"),
        ("resnet18", "cells"),
        ("resnet18", "split"),
    ]
    assert (lines[0].parameters, lines[0].milliseconds) == (3_400_000, 5.0)
    assert (lines[2].parameters, lines[2].milliseconds) == (None, None)
    assert [line.weights for line in lines[1:3]] == ["imagenet weights", "random weights"]
    assert lines[2].seconds == 5.0
    assert backbones_of([FIRST, SPLIT]) == {"efficientnet_lite0": 96, "resnet18": 96}


def test_test_accuracy_stands_with_the_trial_that_was_refitted() -> None:
    about = {
        "study": {"uuid": FIRST.uuid},
        "best": {"trial": 2, "score": 0.9},
        "test": {"n_images": 40, "accuracy": 0.81, "macro_f1": 0.79},
    }
    lines = compare([(FIRST, about)], "augment", {})
    assert [(line.value, line.test) for line in lines] == [("light", 0.81), ("none", None)]


def test_table_leaves_out_what_is_known_of_none() -> None:
    text = compared_text(compare([(SPLIT, None)], "backbone", {LITE.name: LITE}))
    heading, first, _ = text.splitlines()
    assert "ms/image" in heading
    assert "test accuracy" not in heading
    assert "spread" not in heading
    assert first.split()[:2] == ["efficientnet_lite0", "split"]
    assert "one split" in first


def test_what_cannot_be_compared_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"--by: unknown parameter 'backbon'.*'backbone'"):
        compare([(FIRST, None)], "backbon", {})
    with pytest.raises(StudyError, match="no trial has completed in empty"):
        compare([(study("empty"), None)], None, {})
