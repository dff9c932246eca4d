"""``bcsearch data check`` and what follows it, on drawn cells with planted trouble."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bcsearch.data import load_dataset
from tests.browser import needs_browser, start_browser

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Answer

    Run = Callable[..., Answer]

N = 72
NAMES = ("<b>alba</b>", "=cmd", "plain")


@pytest.fixture
def cells(workdir: Path) -> Path:
    """Return drawn cells of three classes, one of them six times, one turned under its label."""
    demo = load_dataset("demo")
    rows = np.concatenate([np.flatnonzero(demo.labels == label)[: N // 3] for label in range(3)])
    images, labels = demo.images[rows], demo.labels[rows]
    copies = [*[images[:1]] * 5, np.rot90(images[30])[np.newaxis]]
    path = workdir / "cells.npz"
    np.savez(
        path, data=np.concatenate([images, *copies]),
        labels=np.concatenate([labels, [0, 1, 2, 0, 1], labels[30:31]]),
        class_names=np.array(NAMES),
    )  # fmt: skip
    return path


def test_check_then_clean_leaves_out_what_is_certain(cells: Path, bcsearch: Run) -> None:
    answer = bcsearch("data", "check", cells, "--out", "check")
    assert answer.code == 0
    assert f"6 of {N + 6} images certainly to be left out\n  junk: 6 (set aside" in answer.out
    assert "near copy: 2 (kept, on one side of every fold)" in answer.out
    written = {path.name for path in (cells.parent / "check").iterdir()}
    assert written == {"exclude.csv", "review.csv", "groups.csv", "check.json", "check.html"}
    found = json.loads((cells.parent / "check" / "check.json").read_text())
    assert [30, N + 5] in found["groups"]
    again = bcsearch("data", "check", cells, "--out", "check")
    assert (again.code, again.out) == (2, "")
    assert "may have been changed by hand" in again.err
    clean = bcsearch("data", "clean", cells, "--exclude", "check/exclude.csv", "--out", "ok.npz")
    assert clean.out == f"ok.npz: {N} of {N + 6} images, 6 left out\n"
    kept = np.delete(np.arange(N + 6), [0, *range(N, N + 5)])
    assert (np.load("ok.npz")["data"] == np.load(cells)["data"][kept]).all()
    other = bcsearch("data", "clean", "demo", "--exclude", "check/exclude.csv", "--out", "no.npz")
    assert other.code == 2
    assert "is of another dataset" in other.err


@needs_browser
def test_page_shows_pictures_side_by_side_and_runs_nothing(
    cells: Path, bcsearch: Run, tmp_path: Path
) -> None:
    answer = bcsearch("data", "check", cells, "--out", "check", "--json")
    assert json.loads(answer.out)["n_images"] == N + 6
    browser = start_browser(tmp_path / "profile")
    try:
        browser.get((cells.parent / "check" / "check.html").as_uri())
        sizes = browser.execute_script(
            "return [...document.images].map(image => [image.alt, image.naturalWidth])"
        )
        text = browser.execute_script("return document.body.innerText")
        bold = browser.execute_script("return document.querySelectorAll('b').length")
        drawn = browser.execute_script("return document.querySelectorAll('svg').length")
    finally:
        browser.quit()
    assert sizes
    assert all(width == 88 for _, width in sizes)
    assert {f"row {N + 5}", "row 30"} <= {alt for alt, _ in sizes}
    assert "<b>alba</b>" in text
    assert "junk: 6, of 1 picture" in text
    assert "row 0 and 5 more" in text
    assert "accuracy to beat, by efficientnet_lite0" in text
    assert bold == 0
    assert drawn == 1


def test_pictures_are_sorted_anew(cells: Path, bcsearch: Run) -> None:
    said = bcsearch("data", "images", cells, "--out", "pictures").out
    assert said.startswith(f"pictures: {N + 6} images")
    assert bcsearch("data", "pack", "pictures", "--out", "again.npz").code == 0
    before, after = load_dataset(cells), load_dataset("again.npz")
    assert (before.images == after.images).all()
    assert (before.labels == after.labels).all()
    assert after.class_names == NAMES
    refused = bcsearch("data", "pack", "nowhere", "--out", "x.npz")
    assert (refused.code, refused.out) == (2, "")


@pytest.mark.parametrize("n_others", [0, 1])
def test_data_of_which_nearly_nothing_is_left_is_no_error(
    n_others: int, workdir: Path, bcsearch: Run
) -> None:
    images = np.concatenate([np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3))] * 12)
    images[12 - n_others :] = 255 - images[12 - n_others :]
    np.savez("junk.npz", data=images.astype(np.uint8), labels=np.arange(12) % 2)
    answer = bcsearch("data", "check", "junk.npz", "--out", "check")
    assert answer.code == 0, answer.err
    assert "junk" in answer.out
