"""Measures what the frozen part of a study costs on this machine, on a few of its images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bcsearch.backbones.cuts import INPUT, POOLED_BY, cuts_of
from bcsearch.costs.probe_training import TrainingProbe, suffixes_to_measure
from bcsearch.costs.speeds import SegmentSpeed, Speeds
from bcsearch.costs.timing import quickest, repeated, seconds_of
from bcsearch.records.events import Progress
from bcsearch.training.needs import needs_of
from bcsearch.views.making import make_chunk
from bcsearch.views.view import CHUNK, View

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bcsearch.costs.pool import Candidate
    from bcsearch.training.trainer import Trainer

N_IMAGES = 32  # of the dataset, repeated to whole batches


def measure(trainer: Trainer, pool: Sequence[Candidate]) -> Speeds:
    """Measure every piece that the configurations of a pool are made of.

    The listener hears how far it is.

    What is traced meanwhile is kept by the trainer for its trials.
    """
    features, speeds = trainer.features, Speeds()
    places = np.linspace(0, len(features.images) - 1, N_IMAGES).astype(int)
    few = np.asarray(features.images[places])
    _measure_views(trainer, few, pool, speeds)
    networks: dict[tuple[str, int], list[Candidate]] = {}
    for candidate in sorted(pool, key=lambda each: each.network):
        networks.setdefault(candidate.network, []).append(candidate)
    total = sum(1 + len(suffixes_to_measure(mine)) for mine in networks.values())
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        what = "measuring what a trial costs on this machine"
        features.progress(Progress(what=what, done=done, total=total, unit="parts"))

    for network, mine in networks.items():
        activations = _measure_segments(trainer, network, few, mine, speeds)
        tick()
        TrainingProbe(trainer, network, activations).measure(mine, speeds, tick)
    return speeds


def _measure_views(
    trainer: Trainer, few: np.ndarray, pool: Sequence[Candidate], speeds: Speeds
) -> None:
    """Measure the making of views: of those that are kept, and of the fresh ones of epochs."""
    kept = {view for each in pool for view in trainer.scored_views(each.params) if view.ops}
    for view in kept:
        if view.names not in speeds.views:
            seconds = _seconds_of_view(few, view)
            speeds.views[view.names] = seconds / trainer.features.processes_for(2)
    fresh = [each.params for each in pool if trainer.views.is_fresh(each.params)]
    for view in {trainer.views.fresh(params, 0) for params in fresh}:
        if view.names not in speeds.fresh:
            seconds = _seconds_of_view(few, view)
            n_processes = trainer.features.processes_for(trainer.n_epochs)
            speeds.fresh[view.names] = seconds / n_processes


def _seconds_of_view(few: np.ndarray, view: View) -> float:
    chunk = repeated(few, CHUNK)
    make_chunk(chunk[:8], view, 0)
    return min(seconds_of(lambda: make_chunk(chunk, view, 0)) for _ in range(2)) / CHUNK


def _measure_segments(
    trainer: Trainer,
    network: tuple[str, int],
    few: np.ndarray,
    pool: Sequence[Candidate],
    speeds: Speeds,
) -> dict[str, np.ndarray]:
    """Measure the passes from each cut that the pool reads at to the next.

    Return the few images' activations there.
    """
    features, start = trainer.features, INPUT
    needs = [need for each in pool for need in needs_of(each.params, [View()], trainer.n_epochs)]
    read = {need.cut for need in needs} - {INPUT}
    inner = [cut.name for cut in cuts_of(*network)[:-1]]
    cuts = [cut for cut in (*inner, *POOLED_BY.values()) if cut in read]
    found, segments = {INPUT: few}, []
    for cut in cuts:
        rows = repeated(found[start], features.batch_size)
        passed = _pass_of(trainer, network, start, cut, rows)
        passed()  # traced
        seconds = quickest(passed)
        found[cut] = passed()[:N_IMAGES].astype(np.float16)
        segments.append(SegmentSpeed(cut=cut, per_image=seconds / len(rows)))
        if cut not in POOLED_BY.values():
            start = cut
    speeds.segments[network] = tuple(segments)
    return found


def _pass_of(
    trainer: Trainer, network: tuple[str, int], start: str, cut: str, rows: np.ndarray
) -> Callable[[], np.ndarray]:
    """Return what puts rows through the network from one cut to another."""
    prefix = trainer.features.prefix
    return lambda: next(prefix.forward(*network, start, cut, rows.dtype).run(rows))
