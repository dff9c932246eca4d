"""The trained weights of one fold, free of any graph."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.seeds import derive_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.training.task import Task

VARIANCE_FLOOR = 1e-3  # keeps a feature that hardly varies on the training rows from being blown up


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scaling:
    """How a fold's features are standardised: mean and one over deviation, (n_features,)."""

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def none(cls, n_features: int) -> Scaling:
        """Leave features as they are."""
        return cls(mean=np.zeros(n_features, np.float32), scale=np.ones(n_features, np.float32))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoldWeights:
    """One fold: kernels (n_in, n_out) and biases (n_out,) of its head, its trained layers.

    ``norms`` hold scale, offset, running mean and variance, (n_units,), of each normalised hidden
    layer; ``layers`` Keras weights by the name of the layer.
    """

    scaling: Scaling
    kernels: Sequence[np.ndarray]
    biases: Sequence[np.ndarray]
    norms: Sequence[Sequence[np.ndarray]] = ()
    layers: dict[str, list[np.ndarray]] = field(default_factory=dict)

    def at_temperature(self, temperature: float) -> FoldWeights:
        """Return the fold with its logits divided by a temperature."""
        kernels = [*self.kernels[:-1], self.kernels[-1] / np.float32(temperature)]
        biases = [*self.biases[:-1], self.biases[-1] / np.float32(temperature)]
        return replace(self, kernels=kernels, biases=biases)


def scalings(clean: np.ndarray, task: Task) -> list[Scaling]:
    """Return each fold's scaling, from clean features (n_images, n_features)."""
    folds = [np.asarray(clean, np.float32)[rows] for rows in task.train_rows]
    deviations = [np.sqrt(fold.var(axis=0) + VARIANCE_FLOOR) for fold in folds]
    return [
        Scaling(mean=fold.mean(axis=0), scale=1.0 / deviation)
        for fold, deviation in zip(folds, deviations, strict=True)
    ]


def first_kernels(widths: Sequence[int], fold: int, seed: int) -> list[np.ndarray]:
    """Draw a fold's first kernels, (n_in, n_out) float32, after Glorot and Bengio (2010)."""
    kernels = []
    for layer, (n_in, n_out) in enumerate(pairwise(widths)):
        limit = np.sqrt(6.0 / (n_in + n_out))
        random = np.random.default_rng(derive_seed(seed, "kernel", layer, fold))
        kernels.append(random.uniform(-limit, limit, (n_in, n_out)).astype(np.float32))
    return kernels


def first_weights(scaling: Scaling, widths: Sequence[int], fold: int, seed: int) -> FoldWeights:
    """Return a fold that has not been trained: ``widths`` from the features to the classes."""
    kernels = first_kernels(widths, fold, seed)
    return FoldWeights(
        scaling=scaling,
        kernels=kernels,
        biases=[np.zeros(width, np.float32) for width in widths[1:]],
    )
