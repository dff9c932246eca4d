"""What a run says of its data and weights before anything is trained."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bcsearch.records.checked import Certificate

pytestmark = pytest.mark.slow


def said(
    *, drawn: bool, warning: str, counts: tuple[int, int] = (3, 1), score: str = "accuracy"
) -> list[str]:
    from bcsearch.study.assemble import _data_lines, _given_lines

    kept = np.arange(sum(counts))
    dataset: Any = SimpleNamespace(
        drawn=drawn, notes=(), class_counts=np.array(counts), kept=kept, n_classes=2
    )
    weights: Any = {"resnet18": SimpleNamespace(warning=warning)}
    plan: Any = SimpleNamespace(notes=())
    given = _given_lines(plan, dataset, weights)
    return given + _data_lines(dataset, Certificate(n_images=len(kept)), score)


@pytest.mark.parametrize(
    ("drawn", "warning", "expected"),
    [(True, "RANDOM", True), (True, "", False), (False, "RANDOM", False)],
)
def test_random_weights_on_drawn_cells_get_a_line_with_what_to_do(
    drawn: bool, warning: str, expected: bool
) -> None:
    lines = said(drawn=drawn, warning=warning)
    assert any("random weights on drawn cells" in line for line in lines) is expected


def test_share_of_the_largest_class_is_said_of_real_images() -> None:
    (line,) = said(drawn=False, warning="")
    assert line.endswith("always saying the largest would score an accuracy of 0.7500")


@pytest.mark.parametrize(
    ("counts", "score", "expected"),
    [
        ((200, 5), "accuracy", True),
        ((200, 5), "balanced_accuracy", False),
        ((60, 40), "accuracy", False),
    ],
)
def test_score_that_counts_classes_alike_is_named_where_one_class_is_nearly_all(
    counts: tuple[int, int], score: str, expected: bool
) -> None:
    lines = said(drawn=False, warning="", counts=counts, score=score)
    assert any("--score balanced_accuracy" in line for line in lines) is expected
