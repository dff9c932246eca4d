"""``bcsearch augment preview`` on a study whose trials were trained by a fake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bcsearch.recipe import Params
    from tests.cli.conftest import Answer

    Run = Callable[..., Answer]

SHOWN = (128, 128)  # images of 32 pixels
STARTS = (
    {"preprocess": "green", "circle_radius": 0.8},
    {"preprocess": "grayscale", "circle_radius": 0.8},
    {"preprocess": "circle", "circle_radius": 0.5},
)
SCORES = {"green": 0.5, "grayscale": 0.9, "circle": 0.7}


def scores_of(params: Params) -> tuple[float, ...]:
    return (SCORES[params.preprocess],) * 2


@pytest.fixture
def data(workdir: Path) -> Path:
    """Return 36 images of three classes, each with a bright square of its class's colour."""
    labels = np.arange(36) % 3
    images = np.random.default_rng(0).integers(0, 120, (36, 32, 32, 3), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[8:24, 8:24, label] = 250
    np.savez(workdir / "cells.npz", data=images, labels=labels)
    return workdir / "cells.npz"


@pytest.fixture
def study(workdir: Path, data: Path) -> list[str]:
    """Make a study of three trials, the second the best; return the options that name it."""
    from bcsearch.data import load_dataset
    from tests.fakes import FakeTrainer, make_plan, make_worker, open_session

    space = {
        "preprocess": {"choice": [start["preprocess"] for start in STARTS]},
        "circle_radius": {"choice": [0.5, 0.8]},
        "augment": "light",
    }
    plan = make_plan(space, data=str(data), start=STARTS)
    seen = {"dataset": load_dataset(data).fingerprint}
    session = open_session(workdir, plan, trials=len(STARTS), fingerprint=seen)
    make_worker(session, plan, FakeTrainer(curve=scores_of)).run()
    return ["--study", "cells", "--storage", f"sqlite:///{workdir / 'study.db'}"]


def cells_of(path: Path) -> np.ndarray:
    """Return the images of a sheet as they were, (n_rows, n_columns, 32, 32, 3)."""
    from bcsearch.report.sheet import GAP, place

    sheet = np.asarray(Image.open(path).convert("RGB"))
    left, top = place(0, 0, SHOWN)
    step = SHOWN[0] + GAP
    n_rows, n_columns = (sheet.shape[0] - top) // step, (sheet.shape[1] - left) // step
    rows = []
    for row in range(n_rows):
        places = [place(row, column, SHOWN) for column in range(n_columns)]
        rows.append([sheet[y : y + 128 : 4, x : x + 128 : 4] for x, y in places])
    return np.array(rows)


def test_best_trial_is_shown_on_images_of_all_classes_beside_its_copies(
    bcsearch: Run, study: list[str], data: Path, workdir: Path
) -> None:
    answer = bcsearch("augment", "preview", *study, "--copies", 2, "--out", "sheet.png")
    assert answer.code == 0, answer.err
    named = "preprocess grayscale, augment light, augment_strength 0.5"
    assert f"6 images, cells, trial 1: {named}: sheet.png" in answer.out
    original, clean, first, second = cells_of(workdir / "sheet.png").swapaxes(0, 1)
    with np.load(data) as file:
        known = {image.tobytes() for image in file["data"]}
    assert {image.tobytes() for image in original} <= known
    squares = original[:, 8:24, 8:24].mean(axis=(1, 2)).argmax(axis=1)
    assert squares.tolist() == [0, 0, 1, 1, 2, 2]
    luma = original @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(clean, luma[..., None].repeat(3, -1), atol=0.51)
    for copy in (first, second):
        np.testing.assert_array_equal(copy[..., 0], copy[..., 2])
        assert not np.array_equal(copy, clean)
    assert not np.array_equal(first, second)


def test_another_trial_and_what_is_given_in_its_place(
    bcsearch: Run, study: list[str], workdir: Path
) -> None:
    out = workdir / "sheet.png"
    answer = bcsearch("augment", "preview", *study, "--trial", 2, "--augment", "none", "--out", out)
    assert "trial 2: preprocess circle, circle_radius 0.5, augment none" in answer.out
    original, clean = cells_of(out).swapaxes(0, 1)
    np.testing.assert_array_equal(clean[:, 12:20, 12:20], original[:, 12:20, 12:20])
    assert np.ptp(clean[:, 0, :, 0]) == 0
    answer = bcsearch("augment", "preview", *study, "--preprocess", "green", "--out", out)
    assert "trial 1: preprocess green, augment light" in answer.out
    original, clean = cells_of(out)[:, :2].swapaxes(0, 1)
    np.testing.assert_array_equal(clean, original[..., 1:2].repeat(3, -1))


def test_sweep_that_was_never_run_is_shown_with_what_is_given(
    bcsearch: Run, data: Path, workdir: Path
) -> None:
    options = ("--study", "quickstart", "--data", data, "--out", "sheet.png")
    strength = ("--augment-strength", 0.9)
    answer = bcsearch("augment", "preview", *options, "--augment", "medium", *strength)
    assert answer.code == 0, answer.err
    assert "quickstart: preprocess none, augment medium, augment_strength 0.9" in answer.out
    assert cells_of(workdir / "sheet.png").shape[:2] == (6, 5)
    answer = bcsearch("augment", "preview", *options)
    assert answer.code == 2
    assert "no study was ever run here" in answer.err


def test_sheet_lies_beside_the_study_where_no_place_is_named_and_is_always_a_png(
    bcsearch: Run, study: tuple[str | Path, ...], workdir: Path
) -> None:
    answer = bcsearch("augment", "preview", *study)
    assert answer.code == 0, answer.err
    (sheet,) = workdir.glob("results/*/preview.png")
    assert str(sheet.relative_to(workdir)) in answer.out
    answer = bcsearch("augment", "preview", *study, "--out", "sheet.jpg")
    assert answer.code == 2
    assert "a contact sheet is a .png file" in answer.err


def test_other_images_than_the_study_s_are_told(
    bcsearch: Run, study: list[str], data: Path, workdir: Path
) -> None:
    said = "these are other images than the study's"
    assert said not in bcsearch("augment", "preview", *study, "--out", "sheet.png").err
    with np.load(data) as file:
        np.savez(workdir / "others.npz", data=file["data"][::-1], labels=file["labels"][::-1])
    others = ("--data", workdir / "others.npz", "--out", "sheet.png")
    answer = bcsearch("augment", "preview", *study, *others)
    assert (answer.code, said in answer.err) == (0, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--preprocess", "grascale"], "--preprocess: unknown value 'grascale'; did you mean"),
        (["--augment", "hevy"], "--augment: unknown value 'hevy'"),
        (["--circle-radius", "0.5"], "--circle-radius acts where preprocess has circle only"),
        (
            ["--preprocess", "circle", "--circle-radius", "7"],
            "--circle-radius: came 7.0, allowed: a number from 0.1 to 1.5",
        ),
        (
            ["--augment-strength", "2"],
            "--augment-strength: came 2.0, allowed: a number from 0 to 1",
        ),
        (["--trial", "9"], "--trial: came 9, the study has trials 0 to 2"),
        (["--copies", "0"], "--copies: came '0', allowed: 1 or more"),
        (["--out", "cells.npz"], "cells.npz is there already, no contact sheet of ours"),
    ],
)
def test_mistake_is_one_line_and_writes_nothing(
    options: list[str], said: str, bcsearch: Run, study: list[str], data: Path, workdir: Path
) -> None:
    before = data.read_bytes()
    answer = bcsearch("augment", "preview", *study, "--out", "sheet.png", *options)
    assert answer.code == 2
    assert len(answer.err.splitlines()) == 1
    assert said in answer.err
    assert data.read_bytes() == before
    assert not (workdir / "sheet.png").exists()
