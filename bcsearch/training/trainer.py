"""The real trainer: trials on folds, and the refit on all images."""

from __future__ import annotations

from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from bcsearch.backbones.cuts import INPUT, POOLED_BY, cuts_of
from bcsearch.backbones.resizing import resizing
from bcsearch.backbones.table import get_backbone
from bcsearch.errors import InfeasibleError
from bcsearch.records.ending import LAST_WEIGHTS, Ending
from bcsearch.seeds import derive_seed
from bcsearch.training.batch import traced_of
from bcsearch.training.batches import SAMPLINGS
from bcsearch.training.building import ModelBuilder
from bcsearch.training.class_errors import class_errors
from bcsearch.training.class_weights import FROM_ERRORS
from bcsearch.training.devices import Device
from bcsearch.training.fold_models import FoldModels, epochs_to_average, train_epochs
from bcsearch.training.fold_weights import FoldWeights, Scaling, first_weights, scalings
from bcsearch.training.fresh import FreshViews
from bcsearch.training.heads import HeadTrainer, load_features
from bcsearch.training.kept import Kept
from bcsearch.training.loop import Lockstep
from bcsearch.training.needs import needs_of
from bcsearch.training.protocol import Check, nothing, shifts_of
from bcsearch.training.staged import StagedTrainer
from bcsearch.training.stages import Stage, canonical
from bcsearch.training.suffix import SuffixTrainer
from bcsearch.training.suffix_graph import SuffixGraph, trainable_copy
from bcsearch.training.task import Task
from bcsearch.views.chosen import Views
from bcsearch.views.view import View

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    import keras

    from bcsearch.config import Sweep
    from bcsearch.data.dataset import Dataset
    from bcsearch.data.folds import Folds
    from bcsearch.features.features import Features
    from bcsearch.recipe import Params, Value
    from bcsearch.records import TrainResult
    from bcsearch.records.checkpoint import Checkpoints
    from bcsearch.records.events import Report
    from bcsearch.training.head_functions import FeatureTable
    from bcsearch.training.protocol import Evaluator, FoldTrainer
    from bcsearch.views.view import Applied

KEPT_BYTES = 2**30  # of feature tables, and of traced graphs with their weights, kept in memory
NO_GPU_MEMORY = "Dst tensor is not initialized"  # how TensorFlow says that a GPU has no room


class Trainer:
    """Trains configurations on one dataset.

    Keeps the last feature tables and graphs in memory between trials.

    ``features`` is what it reads of the images; ``folds`` are the rows that trials train and
    validate on; the first of ``evaluators`` is what trials are ranked by. ``check`` is called
    before each batch that takes long, and may raise to end a trial.
    """

    def __init__(  # noqa: PLR0913 - what training is made of
        self,
        dataset: Dataset,
        folds: Folds,
        features: Features,
        sweep: Sweep,
        evaluators: Sequence[Evaluator],
        device: Device | None = None,
        check: Check = nothing,
    ) -> None:
        self._dataset, self.features = dataset, features
        self._settings, self._evaluators = sweep.training, evaluators
        self._device, self._check = device or Device.cpu(), check
        train_rows = [fold.train for fold in folds.folds]
        valid_rows = [fold.valid for fold in folds.folds]
        all_rows = np.setdiff1d(np.arange(dataset.n_images), folds.apart)
        self.views = Views(dataset.images, sweep.views.seed, all_rows, online=sweep.views.is_online)
        self.folds = self._task(train_rows, valid_rows)
        self._all = self._task([all_rows], [])
        height, width = dataset.images.shape[1:3]
        self.builder = ModelBuilder(features, self.views, (height, width), self.n_epochs)
        self._tables: Kept[FeatureTable] = Kept(KEPT_BYTES)
        self._graphs: Kept[SuffixGraph] = Kept(KEPT_BYTES)
        self._class_errors: dict[Hashable, np.ndarray] = {}

    def scored_by(self, evaluators: Sequence[Evaluator]) -> Trainer:
        """Return a trainer that scores in another way, and shares what is kept in memory."""
        other = copy(self)
        other._evaluators = evaluators
        return other

    def on_folds(self, folds: Folds) -> Trainer:
        """Return a trainer on other folds of the same images, which shares what is kept."""
        other = copy(self)
        train_rows = [fold.train for fold in folds.folds]
        other.folds = self._task(train_rows, [fold.valid for fold in folds.folds])
        return other

    @property
    def n_epochs(self) -> int:
        """The most epochs of a trial."""
        return self._settings.epochs

    def canonical(self, values: Mapping[str, Value]) -> Params:
        """Return the configuration of some values; equal for two that train alike."""
        return canonical(values, self._settings.epochs, online=self.views.online)

    def scored_views(self, params: Params) -> tuple[View, ...]:
        """Return the kept views, the clean one first, then the shifted ones."""
        _, *shifts = shifts_of(self._evaluators)
        shifted = [self.views.clean(params, shift) for shift in shifts]
        return (*self.views.kept(params), *shifted)

    def __call__(
        self,
        params: Params,
        report: Report,
        checkpoints: Checkpoints,
        trial_seconds: float | None = None,
        repeat: int = 0,
    ) -> TrainResult:
        """Train all folds of ``params`` in lockstep.

        ``report`` hears the fold mean of every epoch and may stop it.

        ``trial_seconds`` are the most that its epochs may take together, with what is traced in
        them. ``repeat`` above 0 gives a seed of its own.

        Raises:
            InfeasibleError: it runs out of memory or time, or its loss becomes NaN.
        """
        with self.enough_memory():
            trainer = self._staged(params, self.folds, self.scored_views(params), repeat)
            return Lockstep(
                trainer=trainer,
                task=self.folds,
                params=params,
                settings=self._settings,
                evaluators=self._evaluators,
                report=report,
                checkpoints=checkpoints,
                staged_until=trainer.last_begins,
                trial_seconds=trial_seconds,
                check=self._check,
            ).run()

    def fold_models(
        self,
        params: Params,
        learning_rates: Sequence[float],
        check: Check,
        repeat: int = 0,
        *,
        averages: bool = False,
    ) -> FoldModels:
        """Train the folds of ``params`` once more, one epoch for each learning rate.

        ``repeat`` above 0 gives a seed of its own; where it ``averages``, the mean weights of the
        last epochs are kept beside the last ones. Raises as ``train_all`` does.
        """
        with self.enough_memory():
            views = self.scored_views(params)
            trainer = self._staged(params, self.folds, views, repeat)
            averaged = 1
            if averages:
                averaged = epochs_to_average(len(learning_rates), trainer.last_begins)
            mean = train_epochs(trainer, learning_rates, averaged, check)
            return FoldModels(
                trainer=trainer,
                averaged=averaged,
                last=trainer.state(),
                mean=mean,
                shifts=shifts_of(self._evaluators),
                build=lambda weights: self.builder.model([(params, weights)]),
            )

    def train_all(
        self,
        params: Params,
        learning_rates: Sequence[float],
        check: Check,
        ending: Ending = LAST_WEIGHTS,
    ) -> FoldWeights:
        """Train ``params`` on all images but the test part, one epoch for each learning rate.

        Raises:
            InfeasibleError: it runs out of memory.
            Exception: what ``check`` raises, which is called before each epoch, or each batch where
                these take long.
        """
        with self.enough_memory():
            trainer = self._staged(params, self._all, self.views.kept(params))
            mean = train_epochs(trainer, learning_rates, ending.averaged, check)
            if mean:
                trainer.restore(mean)
            return trainer.weights()[0].at_temperature(ending.temperature)

    def refit(
        self,
        params: Params,
        learning_rates: Sequence[float],
        check: Check,
        ending: Ending = LAST_WEIGHTS,
    ) -> keras.Model:
        """Train ``params`` on all images; return a model of it as ``builder.model`` does.

        Raises as ``train_all``.
        """
        weights = self.train_all(params, learning_rates, check, ending)
        return self.builder.model([(params, weights)], ending.tta)

    def untrained(self, params: Params) -> FoldWeights:
        """Return a network of a configuration before training."""
        views = self.views.clean(params)
        weights = self._first_weights(params, self._all, views, self._settings.seed)[0]
        cut = self.builder.stages(params)[-1].cut
        if cut.is_pooled:
            return weights
        part = self.builder.part(params, cut.name, POOLED_BY[params.pooling])
        layers = {each.name: each.get_weights() for each in part.layers if each.weights}
        return replace(weights, layers=layers)

    def pixels(self, shift: Sequence[Applied] = ()) -> np.ndarray:
        """Return all images after a shift, (n_images, height, width, 3) uint8, read-only."""
        return self.features.pixels(View(tuple(shift)))

    def graph(self, params: Params, cut: str) -> SuffixGraph:
        """Return the traced part above a cut, with a head, kept between trials."""
        traced = traced_of(params)
        network = (params.backbone, params.image_size, cut, params.pooling, params.batch_norm)
        key = (*network, tuple(traced.items()))

        def make() -> SuffixGraph:
            body = trainable_copy(
                self.builder.part(params, cut, POOLED_BY[params.pooling]),
                batch_norm=params.batch_norm,
                precision=self._device.precision,
                seed=self._settings.seed,
            )
            before = None
            if cut == INPUT:
                height, width = self._dataset.images.shape[1:3]
                before = resizing(height, width, params.image_size)
            return SuffixGraph(body, before, traced, self._device)

        return self._graphs.get(key, make)

    @contextmanager
    def enough_memory(self) -> Iterator[None]:
        """Name running out of memory as such, and free what was kept for other trials.

        Raises:
            InfeasibleError: the block ran out of memory.
        """
        try:
            yield
        except (MemoryError, tf.errors.ResourceExhaustedError, tf.errors.InternalError) as error:
            if isinstance(error, tf.errors.InternalError) and NO_GPU_MEMORY not in str(error):
                raise
            self._graphs.clear()
            self._tables.clear()
            reason = str(error).strip().partition("\n")[0] or "nothing more is known"
            raise InfeasibleError(f"out of memory: {reason}") from None

    def _staged(
        self, params: Params, task: Task, views: Sequence[View], repeat: int = 0
    ) -> StagedTrainer:
        seed = self._settings.seed
        if repeat:
            seed = derive_seed(seed, "repeat", repeat)
        needs = needs_of(params, views, self._settings.epochs)
        self.features.prepare(params.backbone, params.image_size, needs)
        stages = self.builder.stages(params)
        given = self._with_errors(params, task, views[0])
        trained = params
        if self.views.is_fresh(params):
            trained = params.but(mix="none")  # its images are mixed already

        def build(stage: Stage, start: Sequence[FoldWeights] | None) -> FoldTrainer:
            fresh = None
            if self.views.is_fresh(params):
                fresh = FreshViews(self.features, self.views, params, stage.cut.name, given, seed)
            if stage.cut.is_pooled:
                table = self._table(params, task, views)
                return HeadTrainer(table, given, trained, seed, fresh)
            return SuffixTrainer(
                self.graph(trained, stage.cut.name),
                self._activations(params, stage.cut.name, views),
                given,
                trained,
                start=start or self._first_weights(params, task, views[0], seed),
                seed=seed,
                fresh=fresh,
            )

        return StagedTrainer(stages, build, SAMPLINGS[params.sampling](self.n_epochs) or 0)

    def _with_errors(self, params: Params, task: Task, clean: View) -> Task:
        """Return the task with the errors of its classes, where class weights ask for them."""
        if params.class_weights not in FROM_ERRORS:
            return task
        key = (params.backbone, params.image_size, params.pooling, clean, task)
        if key not in self._class_errors:
            (features,) = self._pooled(params, [clean])
            seed = self._settings.seed
            self._class_errors[key] = class_errors(features, task, seed, self._check)
        return replace(task, class_errors=self._class_errors[key])

    def _pooled(self, params: Params, views: Sequence[View]) -> list[np.ndarray]:
        return self._activations(params, POOLED_BY[params.pooling], views)

    def _activations(self, params: Params, cut: str, views: Sequence[View]) -> list[np.ndarray]:
        network = (params.backbone, params.image_size)
        return [self.features.activations(*network, cut, view) for view in views]

    def _first_weights(
        self, params: Params, task: Task, clean: View, seed: int
    ) -> list[FoldWeights]:
        """Return untrained folds; features of a backbone trained whole are not scaled."""
        if get_backbone(params.backbone).trained_whole:
            features_of = cuts_of(params.backbone, params.image_size, params.pooling)[-1]
            scaling = [Scaling.none(features_of.size)] * len(task.train_rows)
        else:
            (features,) = self._pooled(params, [clean])
            scaling = scalings(features, task)
        widths = [len(scaling[0].mean), *params.units, task.n_classes]
        return [first_weights(each, widths, fold, seed) for fold, each in enumerate(scaling)]

    def _table(self, params: Params, task: Task, views: Sequence[View]) -> FeatureTable:
        key = (
            params.backbone, params.image_size, params.pooling, tuple(views), task
        )  # fmt: skip
        return self._tables.get(key, lambda: load_features(self._pooled(params, views), task))

    def _task(self, train_rows: Sequence[np.ndarray], valid_rows: Sequence[np.ndarray]) -> Task:
        return Task(
            labels=self._dataset.labels,
            n_classes=self._dataset.n_classes,
            train_rows=train_rows,
            valid_rows=valid_rows,
            n_epochs=self.n_epochs,
            groups=self._dataset.groups,
        )
