"""Measures what training costs on this machine: suffixes at their cuts, heads of the features."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.costs.speeds import HeadSpeed, SuffixSpeed
from bcsearch.costs.timing import quickest, repeated
from bcsearch.training.fold_weights import Scaling, first_weights
from bcsearch.training.heads import HeadTrainer, load_features
from bcsearch.training.suffix import SuffixTrainer
from bcsearch.training.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bcsearch.backbones.cuts import Cut
    from bcsearch.costs.pool import Candidate
    from bcsearch.costs.speeds import Speeds
    from bcsearch.recipe import Params
    from bcsearch.training.protocol import FoldTrainer
    from bcsearch.training.trainer import Trainer

MOST_CUTS = 4  # of a network whose suffixes are measured: the cost of others lies between
MOST_IMAGES = 64  # in a batch that is measured: larger ones cost an image about as much
LONG = 4  # batches of the longer one of two epochs, whose difference gives a step
HEAD_IMAGES, HEAD_STEPS = 512, 8  # made-up features, and batches of a fold


def n_weights(params: Params, n_features: int, n_classes: int) -> int:
    """Count the weights of a configuration's head, biases left out."""
    return sum(n_in * n_out for n_in, n_out in pairwise([n_features, *params.units, n_classes]))


class TrainingProbe:
    """Measures the trained parts of one network."""

    def __init__(
        self, trainer: Trainer, network: tuple[str, int], activations: Mapping[str, np.ndarray]
    ) -> None:
        """Take what a few images are at each cut."""
        self._trainer, self._network, self._activations = trainer, network, activations
        self._n_classes = trainer.folds.n_classes
        self._check = trainer.features.store.check  # ends it where the user asked for that

    def measure(self, pool: Sequence[Candidate], speeds: Speeds, tick: Callable[[], None]) -> None:
        """Measure the suffixes and heads of the network's configurations.

        ``tick`` is called after each suffix.
        """
        found = []
        for cut, params in suffixes_to_measure(pool).items():
            found.append(self._suffix(params, cut))
            tick()
        speeds.suffixes[self._network] = tuple(found)
        heads: dict[int, list[Params]] = {}
        for each in pool:
            if each.stages[0].cut.is_pooled and each.n_features not in speeds.heads:
                heads.setdefault(each.n_features, []).append(each.params)
        for n_features, mine in heads.items():
            chosen = self._extremes(mine, n_features)
            measured = []
            for params in chosen:
                measured.append(self._head(params, n_features))
                self._check()
            speeds.heads[n_features] = tuple(measured)

    def _suffix(self, params: Params, cut: Cut) -> SuffixSpeed:
        params = _in_one_view(params, min(params.batch_size, MOST_IMAGES))
        self._trace(self._suffix_trainer(params, cut, 1))
        short, long = (self._suffix_trainer(params, cut, n_batches) for n_batches in (1, LONG))
        one, seen = self._quickest_epoch(short), quickest(short.predict)
        step = max(0.0, self._quickest_epoch(long) - one) / (LONG - 1)
        return SuffixSpeed(
            fraction=cut.fraction,
            train=step / params.batch_size,
            turn=max(0.0, one - step),
            predict=seen / len(self._activations[cut.name]),
        )

    def _suffix_trainer(self, params: Params, cut: Cut, n_batches: int) -> SuffixTrainer:
        """Return a trainer of one fold that shows the few images in so many batches."""
        graph, few = self._trainer.graph(params, cut.name), self._activations[cut.name]
        rows = repeated(np.arange(len(few)), n_batches * params.batch_size)
        widths = [graph.n_features, *params.units, self._n_classes]
        start = first_weights(Scaling.none(graph.n_features), widths, 0, 0)
        task = self._task(len(few), [rows], [np.arange(len(few))])
        return SuffixTrainer(graph, [few], task, params, start=[start], seed=0)

    def _extremes(self, heads: Sequence[Params], n_features: int) -> list[Params]:
        """Return the smallest and the largest head, each in the smallest and the largest batch."""
        ranked = sorted(heads, key=lambda params: n_weights(params, n_features, self._n_classes))
        sizes = [params.batch_size for params in heads]
        batches = sorted({min(sizes), max(sizes)})
        return [
            _in_one_view(params, batch) for params in (ranked[0], ranked[-1]) for batch in batches
        ]

    def _head(self, params: Params, n_features: int) -> HeadSpeed:
        n_folds = len(self._trainer.folds.train_rows)
        rows = [repeated(np.arange(HEAD_IMAGES), HEAD_STEPS * params.batch_size)] * n_folds
        task = self._task(HEAD_IMAGES, rows, [np.arange(HEAD_IMAGES)] * n_folds)
        features = (
            np.random.default_rng(0).normal(size=(HEAD_IMAGES, n_features)).astype(np.float16)
        )
        trainer = HeadTrainer(load_features([features], task), task, params, seed=0)
        self._trace(trainer)
        epoch, seen = self._quickest_epoch(trainer), quickest(trainer.predict)
        return HeadSpeed(
            weights=n_weights(params, n_features, self._n_classes),
            batch_size=params.batch_size,
            step=epoch / HEAD_STEPS,
            predict=seen / HEAD_IMAGES,
        )

    def _quickest_epoch(self, trainer: FoldTrainer) -> float:
        return quickest(lambda: trainer.train_epoch(0, 0.0, self._check))

    def _trace(self, trainer: FoldTrainer) -> None:
        trainer.train_epoch(0, 0.0, self._check)
        trainer.predict()

    def _task(
        self, n_images: int, train: Sequence[np.ndarray], valid: Sequence[np.ndarray]
    ) -> Task:
        labels = np.arange(n_images) % self._n_classes
        return Task(labels=labels, n_classes=self._n_classes, train_rows=train, valid_rows=valid)


def suffixes_to_measure(pool: Sequence[Candidate]) -> dict[Cut, Params]:
    """Return a few cuts of a network, the smallest suffix first, with a configuration each."""
    found = {
        stage.cut: each.params for each in pool for stage in each.stages if not stage.cut.is_pooled
    }
    ranked = sorted(found, key=lambda cut: cut.fraction)
    places = np.linspace(0, len(ranked) - 1, min(MOST_CUTS, len(ranked)))
    return {ranked[round(place)]: found[ranked[round(place)]] for place in places}


def _in_one_view(params: Params, batch_size: int) -> Params:
    """Return a configuration in batches of that size, on the few images as they are."""
    return params.but(augment="none", batch_size=batch_size)
