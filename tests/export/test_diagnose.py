from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from selenium.webdriver.common.by import By

from bcsearch.data import Dataset
from bcsearch.export.diagnose import Predicted, diagnose
from bcsearch.export.diagnosis_page import diagnosis_page
from bcsearch.report.diagnosis import diagnosis_text
from bcsearch.scores.table import SHIFTED
from tests.browser import needs_browser, start_browser

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("a", "<b>b</b>", "c")
LABELS = np.array([0] * 10 + [1] * 10 + [2] * 5 + [0])
NEVER = 25  # the row that no network predicted


def shares(*changes: tuple[int, int, float]) -> np.ndarray:
    """Return probabilities that are right but for some rows: these go to a class, so surely."""
    found = np.full((len(LABELS), 3), 0.1)
    found[np.arange(len(LABELS)), LABELS] = 0.8
    for row, predicted, sure in changes:
        found[row] = (1 - sure) / 2
        found[row, predicted] = sure
    found[NEVER] = np.nan
    return found


CLEAN = shares((0, 1, 0.7), (1, 1, 0.9), (2, 2, 0.6), (20, 0, 0.95))
FOUND = diagnose(
    "cells", 7, Predicted(labels=LABELS, class_names=NAMES, clean=CLEAN, shifted=(CLEAN, CLEAN))
)


def test_images_that_were_never_predicted_do_not_count() -> None:
    assert FOUND.n_images == 25
    assert FOUND.accuracy == pytest.approx(21 / 25)
    assert FOUND.confusion == [[7, 2, 1], [0, 10, 0], [1, 0, 4]]


def test_pairs_come_by_their_share_of_the_class_and_mistakes_by_how_sure_they_are() -> None:
    assert [(each.true, each.predicted, each.images) for each in FOUND.pairs] == [
        ("a", NAMES[1], 2),
        ("c", "a", 1),
        ("a", "c", 1),
    ]
    assert [each.row for each in FOUND.mistakes] == [20, 1, 0, 2]
    assert FOUND.mistakes[0].of_true == pytest.approx(0.025)


def test_classes_that_are_missed_weigh_more_and_the_mean_over_images_is_one() -> None:
    weights = FOUND.weights
    assert weights["a"] > weights["c"] > weights[NAMES[1]] > 0.4
    total = 10 * weights["a"] + 10 * weights[NAMES[1]] + 5 * weights["c"]
    assert total / 25 == pytest.approx(1.0)
    assert FOUND.confidence["a"] == pytest.approx((7 * 0.8 + 0.7 + 0.9 + 0.6) / 10)


def test_every_family_of_shifts_is_told_where_it_was_scored() -> None:
    assert set(FOUND.shifted) == {f"accuracy@{name}" for name in SHIFTED}
    assert FOUND.shifted["accuracy@shift"] == pytest.approx(21 / 25)
    none = diagnose("cells", 7, Predicted(labels=LABELS, class_names=NAMES, clean=CLEAN))
    assert none.shifted == {}


def test_text_tells_all_of_it() -> None:
    text = diagnosis_text(FOUND)
    for said in (
        "study cells, trial 7, 25 images out of fold: accuracy 0.8400",
        "c taken for a: 1 (20.0 %)",
        "accuracy@worst",
        "row 20: c taken for a (0.95 against 0.03)",
    ):
        assert said in text


@needs_browser
def test_page_shows_its_images_and_runs_nothing(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (26, 24, 24, 3)).astype(np.uint8)
    dataset = Dataset(
        images=images, labels=LABELS, class_names=NAMES, source="<script>alert(1)</script>"
    )
    page = tmp_path / "diagnosis.html"
    page.write_text(diagnosis_page(FOUND, dataset), encoding="utf-8")
    browser = start_browser(tmp_path / "profile")
    try:
        browser.get(page.as_uri())
        pictures = browser.find_elements(By.TAG_NAME, "img")
        assert [each.get_attribute("alt") for each in pictures] == [
            f"row {row}" for row in (20, 1, 0, 2)
        ]
        widths = [browser.execute_script("return arguments[0].naturalWidth", p) for p in pictures]
        assert widths == [24] * 4
        text = browser.find_element(By.TAG_NAME, "body").text
        assert "<b>b</b>" in text
        assert "<script>alert(1)</script>" in text
        assert "Surest and wrong: 4 of 4" in text
        log = browser.get_log("browser")  # type: ignore[no-untyped-call]
        assert not [entry for entry in log if entry["level"] == "SEVERE"]
    finally:
        browser.quit()
