"""Measures what the frozen part of a study costs on this machine, on a few of its images. Imports features, augment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bcsearch.augment.policies import make_view_chunk
from bcsearch.augment.views import CHUNK
from bcsearch.backbones.cuts import INPUT
from bcsearch.costs.probe_training import TrainingProbe, suffixes_to_measure
from bcsearch.costs.speeds import SegmentSpeed, Speeds
from bcsearch.costs.timing import quickest, repeated, seconds_of
from bcsearch.records.events import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bcsearch.costs.pool import Candidate
    from bcsearch.costs.speeds import Network
    from bcsearch.training.trainer import Trainer

N_IMAGES = 32  # of the dataset, repeated to whole batches


def measure(trainer: Trainer, pool: Sequence[Candidate]) -> Speeds:
    """Measure every piece that the configurations of a pool are made of; the trainer's listener hears how far it is.

    What is traced meanwhile is kept by the trainer for its trials.
    """
    features, speeds = trainer.features, Speeds()
    few = np.asarray(
        features.images[np.linspace(0, len(features.images) - 1, N_IMAGES).astype(int)]
    )
    for policy in sorted({each.params.augment for each in pool} - {"none"}):
        n_views = max(each.params.views for each in pool if each.params.augment == policy) - 1
        speeds.views[policy] = _seconds_of_view(few, policy) / features.processes_for(n_views)
    networks = {
        network: [each for each in pool if each.network == network] for network in _networks(pool)
    }
    tick = _Ticks(
        features.progress, sum(1 + len(suffixes_to_measure(mine)) for mine in networks.values())
    )
    for network, mine in networks.items():
        speeds.load[network] = seconds_of(
            lambda network=network: features.prefix.backbone(*network)
        )  # type: ignore[misc] # mypy infers no default's type
        activations = _measure_segments(trainer, network, few, mine, speeds)
        tick()
        TrainingProbe(trainer, network, activations).measure(mine, speeds, tick)
    return speeds


class _Ticks:
    """Tells how many pieces of ``total`` have been measured, one more with each call."""

    def __init__(self, progress: Callable[[Progress], None], total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def __call__(self) -> None:
        self._done += 1
        what = "measuring what a trial costs on this machine"
        self._progress(Progress(what=what, done=self._done, total=self._total, unit="parts"))


def _networks(pool: Sequence[Candidate]) -> list[Network]:
    return sorted({each.network for each in pool})


def _seconds_of_view(few: np.ndarray, policy: str) -> float:
    chunk = repeated(few, CHUNK)
    make_view_chunk(chunk[:8], policy, 1)
    return min(seconds_of(lambda: make_view_chunk(chunk, policy, 2)) for _ in range(2)) / CHUNK


def _measure_segments(
    trainer: Trainer, network: Network, few: np.ndarray, pool: Sequence[Candidate], speeds: Speeds
) -> dict[str, np.ndarray]:
    """Measure the passes from each cut that the pool reads at to the next; return the few images' activations there."""
    features, start = trainer.features, INPUT
    found, segments = {INPUT: few}, []
    cuts = {cut.name: cut.fraction for each in pool for cut in each.cuts_read}
    for cut in sorted(cuts, key=lambda name: -cuts[name]):
        rows = repeated(found[start], features.batch_size)

        def passed(start: str = start, cut: str = cut, rows: np.ndarray = rows) -> np.ndarray:
            return next(features.prefix.forward(*network, start, cut, rows.dtype).run(rows))

        first = seconds_of(passed)
        seconds = quickest(passed)
        found[cut] = passed()[:N_IMAGES].astype(np.float16)
        segments.append(
            SegmentSpeed(cut=cut, per_image=seconds / len(rows), build=max(0.0, first - seconds))
        )
        start = cut
    speeds.segments[network] = tuple(segments)
    return found
