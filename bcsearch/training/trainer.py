"""The real trainer: trials on folds, and the refit on all images. Imports keras, tensorflow, lower floors."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from bcsearch.backbones.cuts import INPUT, POOLED, cuts_of, segment
from bcsearch.backbones.resizing import resizing, with_resizing
from bcsearch.backbones.table import get_backbone
from bcsearch.errors import InfeasibleError
from bcsearch.training import head_graph
from bcsearch.training.devices import Device
from bcsearch.training.fold_weights import FoldWeights, Scaling, first_weights, scalings
from bcsearch.training.heads import HeadTrainer, load_features
from bcsearch.training.kept import Kept
from bcsearch.training.keras_head import keras_head
from bcsearch.training.loop import Lockstep, Task
from bcsearch.training.staged import StagedTrainer
from bcsearch.training.stages import Stage, settled, stages_of
from bcsearch.training.suffix import SuffixTrainer
from bcsearch.training.suffix_graph import SuffixGraph, trainable_copy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bcsearch.config import Training
    from bcsearch.data.dataset import Dataset
    from bcsearch.data.folds import Folds
    from bcsearch.features.features import Features
    from bcsearch.records import Params, TrainResult
    from bcsearch.records.checkpoint import Checkpoints
    from bcsearch.records.events import Report
    from bcsearch.training.protocol import FoldTrainer

TABLES_BYTES = (
    2**30
)  # feature tables kept in memory: n_views * n_images * n_features * 4 bytes each
NO_GPU_MEMORY = (
    "Dst tensor is not initialized"  # how TensorFlow says that a GPU has no room for a batch
)
GRAPHS_BYTES = 2**30  # weights of the traced graphs kept in memory, with optimizer state


class Trainer:
    """Trains configurations on one dataset; keeps the last feature tables and graphs in memory between trials.

    ``features`` is what it reads of the images; ``folds`` are the rows that trials train and validate on.
    """

    def __init__(
        self,
        dataset: Dataset,
        folds: Folds,
        features: Features,
        settings: Training,
        device: Device | None = None,
    ) -> None:
        self._dataset, self.features, self._settings = dataset, features, settings
        self._device = device or Device.cpu()
        self.folds = _task(
            dataset, [fold.train for fold in folds.folds], [fold.valid for fold in folds.folds]
        )
        self._all = _task(dataset, [_kept_rows(dataset, folds)], [])
        self._tables: Kept[head_graph.FeatureTable] = Kept(TABLES_BYTES)
        self._graphs: Kept[SuffixGraph] = Kept(GRAPHS_BYTES)

    def settle(self, params: Params) -> Params:
        """Return the canonical form of a configuration: what is unfrozen moved to the nearest cut."""
        whole = get_backbone(params.backbone).trained_whole
        cuts = cuts_of(params.backbone, params.image_size)
        return settled(params, cuts, self._settings.epochs, trained_whole=whole)

    def __call__(
        self,
        params: Params,
        report: Report,
        checkpoints: Checkpoints,
        trial_seconds: float | None = None,
    ) -> TrainResult:
        """Train all folds of ``params`` abreast; ``report`` hears the fold mean of every epoch and may stop it.

        ``trial_seconds`` are the most that its epochs may take together, with what is traced in them.

        Raises:
            InfeasibleError: it runs out of memory, time or numbers.
        """
        with self._enough_memory():
            trainer = self._staged(params, self.folds)
            return Lockstep(
                trainer=trainer,
                task=self.folds,
                params=params,
                settings=self._settings,
                report=report,
                checkpoints=checkpoints,
                staged_until=trainer.last_begins,
                trial_seconds=trial_seconds,
            ).run()

    def refit(
        self, params: Params, learning_rates: Sequence[float], check: Callable[[], None]
    ) -> keras.Model:
        """Train ``params`` on all images but the test part, one epoch for each learning rate.

        Returns:
            A model from raw images (batch, height, width, 3), 0 to 255, to probabilities (batch, n_classes).

        Raises:
            InfeasibleError: it runs out of memory.
            Exception: what ``check`` raises, which is called before each epoch, or each batch where these take long.
        """
        with self._enough_memory():
            trainer = self._staged(params, self._all)
            for epoch, rate in enumerate(learning_rates):
                trainer.train_epoch(epoch, rate, check)
            return self._assembled(params, trainer.weights()[0])

    @contextmanager
    def _enough_memory(self) -> Iterator[None]:
        """Call what runs out of memory by its name, and let go what was kept for other trials."""
        try:
            yield
        except (MemoryError, tf.errors.ResourceExhaustedError, tf.errors.InternalError) as error:
            said = str(error).strip().splitlines() or ["no more is known"]
            if isinstance(error, tf.errors.InternalError) and NO_GPU_MEMORY not in str(error):
                raise
            self._graphs.clear()
            self._tables.clear()
            raise InfeasibleError(f"out of memory: {said[0]}") from None

    def _staged(self, params: Params, task: Task) -> StagedTrainer:
        """Prepare what the stages read, the shallowest cut first, as deeper ones are computed from it."""
        stages = stages_of(
            params, cuts_of(params.backbone, params.image_size), self._settings.epochs
        )
        for stage in stages[:0:-1]:
            self.features.activations(params, stage.cut.name)
        return StagedTrainer(stages, lambda stage, start: self._trainer(params, task, stage, start))

    def _trainer(
        self, params: Params, task: Task, stage: Stage, start: Sequence[FoldWeights] | None
    ) -> FoldTrainer:
        if stage.cut.name == POOLED:
            return HeadTrainer(self._table(params, task), task, params, self._settings.seed)
        return SuffixTrainer(
            self.graph(params, stage.cut.name),
            self.features.activations(params, stage.cut.name),
            task,
            params,
            start=start or self._first_weights(params, task),
            seed=self._settings.seed,
        )

    def _first_weights(self, params: Params, task: Task) -> list[FoldWeights]:
        """Return untrained folds; features of a backbone that is always trained whole are not scaled."""
        if get_backbone(params.backbone).trained_whole:
            n_features = self.features.backbone(params).output.shape[-1]
            scaling = [Scaling.none(n_features)] * len(task.train_rows)
        else:
            scaling = scalings(self.features.activations(params, POOLED, clean_only=True)[0], task)
        widths = [len(scaling[0].mean), *params.units, task.n_classes]
        return [
            first_weights(each, widths, fold, self._settings.seed)
            for fold, each in enumerate(scaling)
        ]

    def graph(self, params: Params, cut: str) -> SuffixGraph:
        """Return the traced part above a cut with a head like the configuration's, kept between trials."""
        kind = head_graph.kind_of(params)
        key = (params.backbone, params.image_size, cut, params.batch_norm, kind)

        def make() -> SuffixGraph:
            part = segment(self.features.backbone(params), cut, POOLED)
            body = trainable_copy(
                part,
                batch_norm=params.batch_norm,
                precision=self._device.precision,
                seed=self._settings.seed,
            )
            height, width = self._dataset.images.shape[1:3]
            before = resizing(height, width, params.image_size) if cut == INPUT else None
            return SuffixGraph(body, before, kind, self._device)

        return self._graphs.get(key, make)

    def _table(self, params: Params, task: Task) -> head_graph.FeatureTable:
        key = (
            params.backbone,
            params.image_size,
            params.augment,
            params.canonical().views,
            task is self._all,
        )
        return self._tables.get(
            key, lambda: load_features(self.features.activations(params, POOLED), task)
        )

    def _assembled(self, params: Params, weights: FoldWeights) -> keras.Model:
        """Return one fold as a model from raw images to probabilities."""
        backbone = self.features.backbone(params)
        copy = keras.models.clone_model(backbone)
        for layer in backbone.layers:
            if layer.weights:
                copy.get_layer(layer.name).set_weights(
                    weights.layers.get(layer.name) or layer.get_weights()
                )
        body = with_resizing(copy, *self._dataset.images.shape[1:3])
        return keras.Model(body.input, keras_head(params, weights)(body.output))


def _task(
    dataset: Dataset, train_rows: Sequence[np.ndarray], valid_rows: Sequence[np.ndarray]
) -> Task:
    return Task(
        labels=dataset.labels,
        n_classes=dataset.n_classes,
        train_rows=train_rows,
        valid_rows=valid_rows,
    )


def _kept_rows(dataset: Dataset, folds: Folds) -> np.ndarray:
    """Return all rows but those put aside to test on."""
    return np.setdiff1d(np.arange(dataset.n_images), folds.test)
