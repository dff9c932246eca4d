"""What a study may cost: passes, bytes and seconds of each part, and a range for the whole."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.backbones.cuts import INPUT, POOLED_BY
from bcsearch.costs.entries import Entry, entries_of
from bcsearch.costs.fresh import fresh_passes, fresh_seconds
from bcsearch.costs.pool import Candidate, all_points, draw_pool
from bcsearch.costs.probe import measure
from bcsearch.costs.probe_training import n_weights
from bcsearch.errors import InfeasibleError
from bcsearch.records.costs import EpochCost, PassCost, StudyCosts
from bcsearch.training.batches import Batches
from bcsearch.views.view import View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.config import Plan
    from bcsearch.costs.speeds import Speeds
    from bcsearch.training.stages import Stage
    from bcsearch.training.task import Task
    from bcsearch.training.trainer import Trainer

Place = tuple[tuple[str, int], str, View]  # a network, a cut and a view


def study_costs(plan: Plan, trainer: Trainer, n_trials: int) -> StudyCosts:
    """Measure this machine on a few images, and count what a plan's study may cost.

    Raises:
        ConfigError: there is no such backbone.
        InfeasibleError: measuring runs out of memory, as such trials would.
    """
    pool = draw_pool(plan)
    try:
        with trainer.enough_memory():
            speeds = measure(trainer, [*pool, *all_points(plan)])
    except InfeasibleError as error:
        raise InfeasibleError(
            f"what a trial costs cannot be measured here, {error}; narrow units, batch_size or "
            "image_size in the space; a search passes over configurations that do not fit"
        ) from error
    return costs_of(plan, trainer, pool, speeds, n_trials)


def costs_of(
    plan: Plan, trainer: Trainer, pool: Sequence[Candidate], speeds: Speeds, n_trials: int
) -> StudyCosts:
    """Count what a study may cost, given speeds; see ``study_costs``."""
    search, training = plan.sweep.search, plan.sweep.training
    points = all_points(plan)
    entries = set().union(*entries_of(points, trainer, training.epochs))
    rows = _pass_costs(entries, len(trainer.features.images), speeds)
    of_stages = [
        [
            epoch_seconds(each, stage, speeds, trainer.folds)
            + fresh_seconds(each, stage, speeds, trainer)
            for stage in each.stages
        ]
        for each in pool
    ]
    fewest = min(training.epochs, training.patience + 1)
    if search.prunes:
        fewest = min(fewest, search.pruner_epochs + 1)
    pass_seconds = sum(row.seconds for row in rows)

    def seconds_of_all(n_epochs: int) -> float:
        trials = [
            _trial_seconds(each, seconds, n_epochs)
            for each, seconds in zip(pool, of_stages, strict=True)
        ]
        return pass_seconds + n_trials * float(np.mean(trials))

    return StudyCosts(
        trials=n_trials,
        rows=rows,
        epochs=_epoch_costs(pool, of_stages),
        fewest_epochs=fewest,
        most_epochs=training.epochs,
        least_seconds=seconds_of_all(fewest),
        most_seconds=seconds_of_all(training.epochs),
        end_share=plan.sweep.final.share + plan.sweep.final.repeat_share,
        most_fresh_passes=n_trials * max(fresh_passes(each, trainer) for each in [*points, *pool]),
    )


def epoch_seconds(candidate: Candidate, stage: Stage, speeds: Speeds, task: Task) -> float:
    """Return what an epoch of all folds takes in a stage, by the measured speeds."""
    batches = Batches(train_rows=task.train_rows, batch_size=candidate.params.batch_size, seed=0)
    n_valid = [len(rows) for rows in task.valid_rows]
    if stage.cut.is_pooled:
        weights = n_weights(candidate.params, candidate.n_features, task.n_classes)
        head = speeds.head(candidate.n_features, weights, batches.size)
        return batches.n_steps * head.step + max(n_valid) * head.predict
    suffix = speeds.suffix(candidate.network, stage.cut.fraction)
    n_shown = batches.n_steps * batches.size * len(task.train_rows)
    return n_shown * suffix.train + len(n_valid) * suffix.turn + sum(n_valid) * suffix.predict


def _trial_seconds(candidate: Candidate, seconds: Sequence[float], n_epochs: int) -> float:
    """Return what so many epochs of a trial take, given the seconds of an epoch of each stage."""
    return float(np.sum(np.asarray(seconds)[candidate.stage_of_epochs(n_epochs)]))


def _epoch_costs(
    pool: Sequence[Candidate], of_stages: Sequence[Sequence[float]]
) -> tuple[EpochCost, ...]:
    """Return a row for each cut above which a part of the pool trains."""
    found = defaultdict(list)
    for candidate, seconds in zip(pool, of_stages, strict=True):
        for stage, value in zip(candidate.stages, seconds, strict=True):
            found[candidate.network, stage.cut].append(value)
    ranked = sorted(found, key=lambda key: (key[0], key[1].fraction))
    return tuple(
        EpochCost(
            backbone=network[0],
            image_size=network[1],
            cut=cut.name,
            unfrozen=cut.fraction,
            seconds=float(np.mean(found[network, cut])),
        )
        for network, cut in ranked
    )


def _pass_costs(entries: set[Entry], n_images: int, speeds: Speeds) -> tuple[PassCost, ...]:
    """Return a row for everything that is read, the shallowest cut of a network first."""
    ranked = sorted(
        entries,
        key=lambda each: (each.network, -each.unfrozen, each.cut, each.view.copy, each.view.title),
    )
    done: set[Place] = {(entry.network, entry.cut, entry.view) for entry in ranked if entry.kept}
    rows = []
    for entry in ranked:
        missing = 0 if entry.kept else n_images
        rows.append(
            PassCost(
                backbone=entry.network[0],
                image_size=entry.network[1],
                cut=entry.cut,
                unfrozen=entry.unfrozen,
                view=entry.view.title,
                passes=missing * (entry.cut != INPUT),
                seconds=missing * _image_seconds(entry, done, speeds),
                cache_bytes=missing * entry.image_bytes,
                kept=entry.kept,
            )
        )
        done.add((entry.network, entry.cut, entry.view))
    return tuple(rows)


def _image_seconds(entry: Entry, done: set[Place], speeds: Speeds) -> float:
    """Return the seconds of one image, from the nearest shallower cut that is kept."""
    if entry.cut == INPUT:
        return speeds.views[entry.view.names]
    seconds = 0.0
    for segment in speeds.segments[entry.network]:
        if segment.cut in POOLED_BY.values() and segment.cut != entry.cut:
            continue  # the same images pooled in another way
        seconds += segment.per_image
        if segment.cut == entry.cut:
            return seconds
        if (entry.network, segment.cut, entry.view) in done:
            seconds = 0.0
    return seconds
