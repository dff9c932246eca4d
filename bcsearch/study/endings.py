"""Decides by out-of-fold predictions how a finished model's training ends."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.records.ending import LAST_WEIGHTS, Calibration, Ending, Gain
from bcsearch.records.events import Notice
from bcsearch.scores.calibration import calibrate
from bcsearch.scores.comparison import Comparison
from bcsearch.scores.table import chosen_scores
from bcsearch.seeds import derive_seed
from bcsearch.training.protocol import shifts_of
from bcsearch.views.tta import TTA_OPERATIONS, TTA_SETS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bcsearch.records.events import Listener
    from bcsearch.scores.table import Score
    from bcsearch.study.assemble import Prepared
    from bcsearch.training.fold_models import FoldModels
    from bcsearch.training.protocol import Evaluator
    from bcsearch.training.task import Task

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
    folds: FoldModels,
    seconds: float,
    check: Callable[[], None],
    listener: Listener,
) -> Tried:
    """Try averaged weights and test-time augmentation on trained folds of a trial.

    Each is taken only where its score out of fold is better by more than the fold noise. ``check``
    is called as it goes on, and may raise to end it.

    Args:
        prepared: what the study works on.
        folds: of the trial.
        seconds: how long it may take.
        check: as said above.
        listener: hears what came of it.
    """
    begun = time.monotonic()
    (score, *_), task = chosen_scores(prepared.plan.sweep.search), prepared.trainer.folds
    gains, ending = _of_averaging(folds, task, score), LAST_WEIGHTS
    if any(gain.wins for gain in gains):
        ending = Ending(averaged=folds.averaged)
    rows = _some_rows(task.valid_rows, prepared.plan.sweep.training.seed)
    pixels = [prepared.trainer.pixels(shift) for shift in score.shifts]
    images = [np.concatenate([view[each] for view in pixels]) for each in rows]
    left = seconds - (time.monotonic() - begun)
    seen = _seen(folds, images, averaged=ending.averaged > 1, seconds=left, check=check)
    of_sets = _of_sets(seen, rows, task, score)
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
    if found.temperature == 1.0 and found.after != found.before:
        return f"calibration: {error}, {found.after:.4f} with each member at its own temperature"
    if found.temperature == 1.0:
        return f"calibration: {error}; no temperature makes the log loss better"
    return f"calibration: {error}, {found.after:.4f} at the temperature {found.temperature:.2f}"


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
    compared = Comparison(scores=[score], labels=task.labels, folds=[task.valid_rows])
    plain, mean = (views_seen(folds, [score], task, averaged=each) for each in (False, True))
    return [compared.gain("averaging", [mean], [plain])]


def views_seen(
    folds: FoldModels, scores: Sequence[Evaluator], task: Task, *, averaged: bool = False
) -> np.ndarray:
    """Return what folds predict of all that scores need, (n_views, n_images, n_classes) float16."""
    views = folds.predict(shifts_of(scores), averaged=averaged)
    return np.stack([task.out_of_fold(view) for view in views])


def _of_sets(
    seen: Sequence[dict[str, np.ndarray]], rows: Sequence[np.ndarray], task: Task, score: Score
) -> list[Gain]:
    """Return what each set of operations gives on what folds saw; nothing where they saw none."""
    if not seen:
        return []
    known = shifts_of([score])
    compared = Comparison(scores=[score], labels=task.labels, folds=[rows])

    def placed(names: Sequence[str]) -> np.ndarray:
        whole = np.zeros((len(known), len(task.labels), task.n_classes))
        for fold, each in zip(seen, rows, strict=True):
            views = np.split(_mean_of(fold, names), len(score.shifts))
            for shift, view in zip(score.shifts, views, strict=True):
                whole[known.index(shift)][each] = view
        return whole

    plain = placed(())
    return [compared.gain(name, [placed(names)], [plain]) for name, names in TTA_SETS.items()]


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
