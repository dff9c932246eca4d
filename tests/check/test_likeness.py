from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bcsearch.check.likeness import DISTANCE, MEASURES, Likeness
from bcsearch.data.source import load_dataset
from bcsearch.export.likeness import read_likeness, write_likeness
from bcsearch.report.evaluation import unlike_note
from bcsearch.views.corruption import CORRUPTIONS

if TYPE_CHECKING:
    from pathlib import Path

CELLS = load_dataset("demo")
ORDER = np.random.default_rng(5).permutation(CELLS.n_images)
KNOWN, OTHERS = ORDER[:700], ORDER[700:]
IMAGES, LABELS, FRESH = CELLS.images[KNOWN], CELLS.labels[KNOWN], CELLS.images[OTHERS]


def features(images: np.ndarray) -> np.ndarray:
    """Return coarse pixels as features."""
    return images[:, ::8, ::8].reshape(len(images), -1).astype(np.float32)


@pytest.fixture(scope="module")
def known() -> Likeness:
    return Likeness.of(IMAGES, LABELS, features, seed=0)


def ways(known: Likeness, images: np.ndarray) -> list[str]:
    return [each.measure for each in known.unlike(images, features(images)).differences]


@pytest.mark.parametrize("seed", range(20))
def test_other_images_of_the_same_set_are_like_them(known: Likeness, seed: int) -> None:
    rows = np.random.default_rng(seed).permutation(len(FRESH))[:100]
    assert ways(known, FRESH[rows]) == []


@pytest.mark.parametrize("label", range(CELLS.n_classes))
def test_images_of_one_class_alone_are_like_them(known: Likeness, label: int) -> None:
    assert ways(known, FRESH[CELLS.labels[OTHERS] == label]) == []


Change = Callable[[np.ndarray], np.ndarray]
CHANGES: dict[str, tuple[Change, str]] = {
    "brightness": (lambda x: x * 0.5, "darker"),
    "contrast": (lambda x: 128 + (x - 128) * 0.2, "of less contrast"),
    "red_over_green": (lambda x: x + np.array([60, 0, 0]), "redder"),
    "blue_over_yellow": (lambda x: x + np.array([-70, -70, 0]), "bluer"),
}


@pytest.mark.parametrize("measure", CHANGES)
def test_what_is_far_from_them_is_told_by_its_measure_in_words(
    known: Likeness, measure: str
) -> None:
    change, word = CHANGES[measure]
    changed = np.clip(change(FRESH[:100].astype(float)), 0, 255).astype(np.uint8)
    found = {each.measure: each for each in known.unlike(changed, features(changed)).differences}
    assert found[measure].word == word
    assert not found[measure].low <= found[measure].mean <= found[measure].high
    assert word in unlike_note(100, list(found.values()))


def test_blurred_images_are_less_sharp(known: Likeness) -> None:
    blurred = CORRUPTIONS["blur"].run(FRESH[:100], {"severity": 5.0}, 0)
    assert "sharpness" in ways(known, blurred)


def test_noise_is_far_by_features_and_needs_them(known: Likeness) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (50, *IMAGES.shape[1:])).astype(np.uint8)
    assert DISTANCE in ways(known, noise)
    without = Likeness.of(IMAGES, LABELS, lambda _: None, seed=0)
    assert set(without.low) == set(MEASURES)
    assert DISTANCE not in [each.measure for each in without.unlike(noise, None).differences]


def test_each_image_is_judged_alone_too(known: Likeness) -> None:
    images = FRESH[:60].copy()
    images[7] = 0
    found = known.unlike(images, features(images))
    assert found.n_images == len(found.alone) == 60
    assert "brightness" in found.alone[7]
    assert sum(bool(each) for each in found.alone) <= 3  # of ordinary ones, those far out


def test_largest_difference_comes_first(known: Likeness) -> None:
    dark = (FRESH[:80] * 0.2).astype(np.uint8)
    spreads = [each.spreads for each in known.unlike(dark, features(dark)).differences]
    assert spreads == sorted(spreads, reverse=True)
    assert len(spreads) > 1


def test_kept_likeness_comes_back_and_damage_is_none(known: Likeness, tmp_path: Path) -> None:
    write_likeness(tmp_path / "training_images.npz", known)
    again = read_likeness(tmp_path)
    assert again is not None
    assert (again.low, again.high, again.spread) == (known.low, known.high, known.spread)
    dark = (FRESH[:80] * 0.2).astype(np.uint8)
    assert again.unlike(dark, features(dark)) == known.unlike(dark, features(dark))
    assert read_likeness(tmp_path / "nowhere") is None
    (tmp_path / "training_images.npz").write_bytes(b"PK\x03\x04 broken")
    assert read_likeness(tmp_path) is None


def test_note_is_empty_where_nothing_is_unlike(known: Likeness) -> None:
    assert unlike_note(5, known.unlike(FRESH[:5], features(FRESH[:5])).differences) == ""
    dark = np.zeros((1, *IMAGES.shape[1:]), np.uint8)
    differences = known.unlike(dark, features(dark)).differences
    assert unlike_note(1, differences).startswith("this image is unlike those that the model was")
