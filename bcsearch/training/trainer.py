"""The real trainer: trials on folds, and the refit on all images. Imports keras and the floors below."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import keras
import numpy as np

from bcsearch.backbones.table import get_backbone
from bcsearch.backbones.weights import load_backbone, with_resizing
from bcsearch.training.heads import HeadTrainer, load_features
from bcsearch.training.keras_head import keras_head
from bcsearch.training.loop import Task, train_folds
from bcsearch.training.whole import WholeTrainer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bcsearch.backbones.weights import ResolvedWeights
    from bcsearch.config import Training
    from bcsearch.data.dataset import Dataset
    from bcsearch.data.folds import Folds
    from bcsearch.features.features import Features
    from bcsearch.records import Params, TrainResult
    from bcsearch.records.events import Report
    from bcsearch.training import head_graph
    from bcsearch.training.protocol import FoldTrainer

TABLES_BYTES = 2**30  # feature tables kept in memory: n_views * n_images * n_features * 4 bytes each


class Trainer:
    """Trains configurations on one dataset; keeps the last feature tables in memory between trials."""

    def __init__(
        self,
        dataset: Dataset,
        folds: Folds,
        features: Features,
        weights: Mapping[str, ResolvedWeights],
        settings: Training,
    ) -> None:
        self._dataset, self._features, self._weights, self._settings = dataset, features, weights, settings
        self._task = _task(dataset, [fold.train for fold in folds.folds], [fold.valid for fold in folds.folds])
        self._all = _task(dataset, [_kept_rows(dataset, folds)], [])
        self._tables: OrderedDict[tuple[object, ...], head_graph.FeatureTable] = OrderedDict()

    def __call__(self, params: Params, report: Report) -> TrainResult:
        """Train all folds of ``params`` abreast; ``report`` hears the fold mean of every epoch and may stop it."""
        trainer = self._fold_trainer(params, self._task)
        return train_folds(trainer, self._task, params, self._settings, report)

    def refit(self, params: Params, learning_rates: Sequence[float], check: Callable[[], None]) -> keras.Model:
        """Train ``params`` on all images but the test part, one epoch for each learning rate; ``check`` after each.

        Returns:
            A model from raw images (batch, height, width, 3), 0 to 255, to probabilities (batch, n_classes).
        """
        trainer = self._fold_trainer(params, self._all)
        for epoch, rate in enumerate(learning_rates):
            trainer.train_epoch(epoch, rate)
            check()
        return trainer.model()

    def _fold_trainer(self, params: Params, task: Task) -> FoldTrainer:
        if get_backbone(params.backbone).trained_whole:
            return self._whole(params, task)
        return self._heads(params, task)

    def _whole(self, params: Params, task: Task) -> WholeTrainer:
        body = self._body(params)
        head = keras_head(params, body.output.shape[-1], task.n_classes, seed=self._settings.seed)
        model = keras.Model(body.input, head(body.output))
        return WholeTrainer(model, self._features.views(params), task, params, self._settings.seed)

    def _heads(self, params: Params, task: Task) -> HeadTrainer:
        return HeadTrainer(lambda: self._body(params), self._table(params, task), task, params, self._settings.seed)

    def _body(self, params: Params) -> keras.Model:
        weights = self._weights[params.backbone]
        body = load_backbone(params.backbone, params.image_size, weights, self._settings.seed)
        height, width = self._dataset.images.shape[1:3]
        return with_resizing(body, height, width)

    def _table(self, params: Params, task: Task) -> head_graph.FeatureTable:
        key = (params.backbone, params.image_size, params.augment, params.canonical().views, task is self._all)
        if key not in self._tables:
            self._tables[key] = load_features(self._features.pooled(params), task)
        self._tables.move_to_end(key)
        while len(self._tables) > 1 and sum(kept.n_bytes for kept in self._tables.values()) > TABLES_BYTES:
            self._tables.popitem(last=False)
        return self._tables[key]


def _task(dataset: Dataset, train_rows: Sequence[np.ndarray], valid_rows: Sequence[np.ndarray]) -> Task:
    return Task(labels=dataset.labels, n_classes=dataset.n_classes, train_rows=train_rows, valid_rows=valid_rows)


def _kept_rows(dataset: Dataset, folds: Folds) -> np.ndarray:
    """Return all rows but those put aside to test on."""
    return np.setdiff1d(np.arange(dataset.n_images), folds.test)
