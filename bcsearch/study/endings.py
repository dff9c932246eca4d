"""Decides by out-of-fold predictions how a finished model's training ends."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.records.ending import LAST_WEIGHTS, Calibration, Ending, Gain
from bcsearch.records.events import Notice
from bcsearch.scores.calibration import calibrate
from bcsearch.scores.gain import gain_of
from bcsearch.scores.table import chosen_scores
from bcsearch.seeds import derive_seed
from bcsearch.views.making import make_view
from bcsearch.views.tta import TTA_OPERATIONS, TTA_SETS
from bcsearch.views.view import View

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bcsearch.records.events import Listener
    from bcsearch.scores.table import Score
    from bcsearch.storage import LedgerEntry
    from bcsearch.study.assemble import Prepared
    from bcsearch.training.fold_models import FoldModels
    from bcsearch.training.task import Task
    from bcsearch.views.view import Applied

LEAST_SECONDS = 20.0  # less is not worth loading a model for
MOST_IMAGES = 1000  # that test-time augmentation is tried on


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """An ending, and what was measured of those that were tried."""

    ending: Ending = LAST_WEIGHTS
    gains: tuple[Gain, ...] = ()
    calibration: Calibration | None = None


def choose_ending(
    prepared: Prepared,
    entry: LedgerEntry,
    seconds: float,
    check: Callable[[], None],
    listener: Listener,
) -> Tried:
    """Train the folds of a trial once more; try averaged weights and test-time augmentation.

    Each is taken only where its score out of fold is better by more than the fold noise. ``check``
    is called as training goes on, and may raise to end it.

    Args:
        prepared: what the study works on.
        entry: the trial.
        seconds: how long it may take; where training alone would take longer, nothing is tried.
        check: as said above.
        listener: hears what came of it.
    """
    begun = time.monotonic()
    if seconds < max(LEAST_SECONDS, entry.train_seconds):
        return Tried()
    folds = prepared.trainer.fold_models(entry.params, learning_rates(entry), check)
    (score, *_), task = chosen_scores(prepared.plan.sweep.search), prepared.trainer.folds
    gains, ending = _of_averaging(folds, task, score), LAST_WEIGHTS
    if any(gain.wins for gain in gains):
        ending = Ending(averaged=folds.averaged)
    rows = _some_rows(task.valid_rows, prepared.plan.sweep.training.seed)
    images = [_after(score.shifts, prepared.dataset.images[each]) for each in rows]
    left = seconds - (time.monotonic() - begun)
    seen = _seen(folds, images, averaged=ending.averaged > 1, seconds=left, check=check)
    labels = [np.tile(task.labels[each], len(score.shifts)) for each in rows]
    of_sets = _of_sets(seen, labels, score)
    best = max((gain for gain in of_sets if gain.wins), key=lambda gain: gain.mean, default=None)
    if best is not None:
        ending = replace(ending, tta=TTA_SETS[best.name])
    gains += of_sets
    listener(Notice(text=ending_text(ending, gains)))
    return Tried(ending=ending, gains=tuple(gains))


def calibrated(tried: Tried, task: Task, probabilities: np.ndarray | None) -> Tried:
    """Return an ending at the temperature of a trial's probabilities out of fold.

    As it is where these, (n_images, n_classes), are not kept any more.
    """
    if probabilities is None:
        return tried
    found = calibrate(task.labels, probabilities, task.valid_rows)
    ending = replace(tried.ending, temperature=found.temperature)
    return replace(tried, ending=ending, calibration=found)


def calibration_text(found: Calibration) -> str:
    """Say how true the probabilities are, and what a temperature makes of that."""
    error = f"expected calibration error out of fold {found.before:.4f}"
    if found.temperature == 1.0:
        return f"calibration: {error}; no temperature makes the log loss better"
    return f"calibration: {error}, {found.after:.4f} at the temperature {found.temperature:.2f}"


def learning_rates(entry: LedgerEntry) -> list[float]:
    """Return the learning rates of a trial up to its best epoch."""
    return [scores.learning_rate for scores in entry.epochs[: entry.best.epoch + 1]]


def ending_text(ending: Ending, gains: Sequence[Gain]) -> str:
    """Say what was tried, what it gives out of fold, and what is used."""
    used = {"averaging"} if ending.averaged > 1 else set()
    used |= {name for name, names in TTA_SETS.items() if tuple(ending.tta) == names}
    parts = []
    for gain in gains:
        what = gain.name if gain.name == "averaging" else f"augmentation by {gain.name}"
        does = "used" if gain.name in used else "not used"
        parts.append(f"{what} {100 * gain.mean:+.2f} ± {100 * gain.noise:.2f} points, {does}")
    if not parts:
        return "averaging and augmentation in use were not tried: [final] share gives no time"
    return f"tried on images not trained on: {'; '.join(parts)}"


def _of_averaging(folds: FoldModels, task: Task, score: Score) -> list[Gain]:
    """Return what averaged weights give; nothing where too few epochs train the same weights."""
    if folds.averaged == 1:
        return []
    labels = [np.tile(task.labels[rows], len(score.shifts)) for rows in task.valid_rows]
    plain, mean = folds.predict(averaged=False), folds.predict(averaged=True)
    return [gain_of("averaging", score.measure, labels, plain, mean)]


def _of_sets(
    seen: Sequence[dict[str, np.ndarray]], labels: Sequence[np.ndarray], score: Score
) -> list[Gain]:
    """Return what each set of operations gives on what folds saw; nothing where they saw none."""
    if not seen:
        return []
    plain = [fold[""] for fold in seen]
    return [
        gain_of(name, score.measure, labels, plain, [_mean_of(fold, names) for fold in seen])
        for name, names in TTA_SETS.items()
    ]


def _after(shifts: Sequence[tuple[Applied, ...]], images: np.ndarray) -> np.ndarray:
    """Return images after each shift, one view behind the other."""
    return np.concatenate([each for shift in shifts for each in make_view(images, View(shift))])


def _some_rows(valid_rows: Sequence[np.ndarray], seed: int) -> list[np.ndarray]:
    most = MOST_IMAGES // len(valid_rows)
    random = np.random.default_rng(derive_seed(seed, "tta"))
    return [np.sort(random.permutation(rows)[:most]) for rows in valid_rows]


def _seen(
    folds: FoldModels,
    images: Sequence[np.ndarray],
    *,
    averaged: bool,
    seconds: float,
    check: Callable[[], None],
) -> list[dict[str, np.ndarray]]:
    """Predict what folds see; nothing where the first one takes too much of the time."""
    begun, found = time.monotonic(), []
    for weights, each in zip(folds.weights(averaged=averaged), images, strict=True):
        check()
        found.append(folds.seen(weights, each, tuple(TTA_OPERATIONS)))
        if (time.monotonic() - begun) / len(found) * len(images) > seconds:
            return []
    return found


def _mean_of(seen: dict[str, np.ndarray], names: Sequence[str]) -> np.ndarray:
    mean: np.ndarray = np.mean([seen[name] for name in ("", *names)], axis=0)
    return mean
