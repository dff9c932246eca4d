"""Whether averaged weights and test-time augmentation are used, by what they give out of fold."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from bcsearch.records.events import Notice
from tests.fakes import Recorder, make_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.study.endings import Tried

pytestmark = pytest.mark.slow

N, FOLDS = 300, 3
LABELS = np.arange(N) % 2
ROWS = np.array_split(np.random.default_rng(0).permutation(N), FOLDS)


def right_in(share: float, labels: np.ndarray, seed: int) -> np.ndarray:
    """Return probabilities of which about this share is right."""
    is_right = np.random.default_rng(seed).random(len(labels)) < share
    found: np.ndarray = np.eye(2)[np.where(is_right, labels, 1 - labels)]
    return found


@dataclass(kw_only=True)
class FakeFolds:
    """Fold models of which so many predictions are right, plain, averaged, and by operation."""

    plain: float = 0.7
    mean: float = 0.7
    seen_right: dict[str, float] = field(default_factory=dict)
    averaged: int = 3
    asked: list[bool] = field(default_factory=list)

    def predict(self, shifts: object, *, averaged: bool) -> list[Sequence[np.ndarray]]:
        assert shifts == [()]
        share = self.mean if averaged else self.plain
        return [[right_in(share, LABELS[rows], 1) for rows in ROWS]]

    def weights(self, *, averaged: bool) -> Sequence[None]:
        self.asked.append(averaged)
        return [None] * FOLDS

    def seen(
        self, weights: None, images: np.ndarray, operations: Sequence[str]
    ) -> dict[str, np.ndarray]:
        labels = images[:, 0, 0, 0].astype(int)
        found = {"": right_in(self.plain, labels, 2)}
        for name in operations:
            weight = 3.0 if name in self.seen_right else 0.0
            found[name] = weight * right_in(self.seen_right.get(name, 0.5), labels, 3)
        return found


def tried(folds: FakeFolds, seconds: float = 1000.0) -> Tried:
    from bcsearch.study.endings import choose_ending
    from bcsearch.training.task import Task

    images = np.broadcast_to(LABELS[:, None, None, None], (N, 2, 2, 3)).astype(np.uint8)
    task = Task(labels=LABELS, n_classes=2, train_rows=ROWS, valid_rows=ROWS)
    trainer = SimpleNamespace(folds=task, pixels=lambda shift: images)
    prepared = cast("Any", SimpleNamespace(plan=make_plan(), trainer=trainer))
    heard = Recorder()
    found = choose_ending(prepared, cast("Any", folds), seconds, lambda: None, heard)
    (notice,) = heard.of(Notice)
    for gain in found.gains:
        assert gain.name in notice.text
    return found


def test_nothing_is_used_that_does_not_win() -> None:
    found = tried(FakeFolds())
    assert (found.ending.averaged, found.ending.tta) == (1, ())
    assert [gain.name for gain in found.gains] == ["averaging", "flip", "rotate", "zoom", "all"]


def test_averaged_weights_are_used_where_they_win_and_augmentation_is_tried_on_them() -> None:
    folds = FakeFolds(mean=0.9)
    found = tried(folds)
    assert (found.ending.averaged, found.ending.tta) == (3, ())
    assert folds.asked == [True]


def test_set_of_operations_with_the_highest_gain_is_used() -> None:
    found = tried(FakeFolds(seen_right={"nearer": 0.95, "mirror": 0.85}))
    assert found.ending.tta == ("nearer",)
    (zoom,) = [gain for gain in found.gains if gain.name == "zoom"]
    assert 0.15 < zoom.mean < 0.35
    assert found.ending.averaged == 1


def test_augmentation_is_left_out_where_the_first_fold_takes_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = iter(range(0, 10_000, 40))
    monkeypatch.setattr("bcsearch.study.endings.time.monotonic", lambda: float(next(now)))
    found = tried(FakeFolds(mean=0.9), seconds=100.0)
    assert [gain.name for gain in found.gains] == ["averaging"]
    assert found.ending.averaged == 3
