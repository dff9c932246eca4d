"""Views and the frozen backbone's activations of one set of images, each computed once. Imports augment, backbones."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.augment import views
from bcsearch.backbones.weights import WeightsKind, load_backbone, with_resizing
from bcsearch.features.entry import EntryKey, checksum
from bcsearch.features.forward import FrozenForward
from bcsearch.features.store import Rows, Stored
from bcsearch.records.events import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import Executor

    from bcsearch.backbones.weights import ResolvedWeights
    from bcsearch.features.store import Store
    from bcsearch.records import Params

MEANING = 1  # raise it when activations of the same view change
CUT = "pooled"  # where backbones are split: after their pooling
POOL_IMAGES = 10_000  # augmented images from which starting processes pays: they take seconds to load TensorFlow


@dataclass(slots=True, kw_only=True, eq=False)
class Features:
    """What training reads of the images.

    Attributes:
        images: shape (n, height, width, 3), uint8, RGB.
        fingerprint: the dataset's.
        weights: what each backbone starts from, by its name.
        seed: acts on views and random weights.
        batch_size: images in one forward pass.
        n_processes: makes views of large sets; 0 means one for every two cores.
    """

    images: np.ndarray
    fingerprint: str
    store: Store
    weights: Mapping[str, ResolvedWeights]
    seed: int
    batch_size: int = 64
    n_processes: int = 0
    progress: Callable[[Progress], None] = lambda _: None
    _original: Stored | None = field(init=False, default=None)
    _loaded: tuple[tuple[str, int], FrozenForward] | None = field(init=False, default=None)

    def views(self, params: Params) -> tuple[np.ndarray, ...]:
        """Return the images of every view, each (n, height, width, 3), uint8; the first is the original."""
        return tuple(stored.data for stored in self._views(params))

    def pooled(self, params: Params) -> tuple[np.ndarray, ...]:
        """Return the pooled activations of every view, each (n, d), float16 or float32; the first is the original's.

        Their arrays are read-only and hold their entry in the cache for as long as they live.
        """
        stored = self._views(params)
        return tuple(self._activations(params, index, view).data for index, view in enumerate(stored))

    def _views(self, params: Params) -> list[Stored]:
        """Return the original and what the store has of the augmented views, made where it has none."""
        if self._original is None:
            self._original = Stored(data=self.images, checksum=checksum(self.images))
        n_views = params.canonical().views
        with views.view_pool(self._n_processes(n_views - 1)) as pool:
            return [self._original, *(self._view(params.augment, i, pool) for i in range(1, n_views))]

    def _view(self, policy: str, index: int, pool: Executor | None) -> Stored:
        key = EntryKey.of(
            "view", dataset=self.fingerprint, policy=policy, index=index, seed=self.seed, meaning=views.MEANING
        )

        def chunks() -> Iterator[np.ndarray]:
            made = views.make_view(self.images, policy, index, self.seed, pool)
            return self._watched(made, f"view {index} of {policy}")

        return self.store.get_or_compute(
            key, lambda: Rows(shape=self.images.shape, dtype=np.dtype(np.uint8), chunks=chunks)
        )

    def _activations(self, params: Params, index: int, view: Stored) -> Stored:
        weights = self.weights[params.backbone]
        key = EntryKey.of(
            "activations",
            dataset=self.fingerprint,
            backbone=params.backbone,
            weights=weights.fingerprint,
            weights_seed=self.seed if weights.kind is WeightsKind.RANDOM else 0,
            cut=CUT,
            image_size=params.image_size,
            view=view.checksum,
            meaning=MEANING,
        )

        def compute() -> Rows:
            forward = self._forward(params.backbone, params.image_size)
            what = f"{params.backbone} at {params.image_size}, view {index} of {params.augment}"
            return Rows(
                shape=(len(view.data), *forward.output_shape),
                dtype=np.dtype(np.float16),
                chunks=lambda: self._watched(forward.run(view.data), what),
            )

        return self.store.get_or_compute(key, compute)

    def _forward(self, backbone: str, image_size: int) -> FrozenForward:
        """Return the forward pass of a backbone; one is kept loaded at a time."""
        wanted = (backbone, image_size)
        if self._loaded is None or self._loaded[0] != wanted:
            self._loaded = None
            model = load_backbone(backbone, image_size, self.weights[backbone], self.seed)
            forward = FrozenForward(with_resizing(model, *self.images.shape[1:3]), self.batch_size)
            self._loaded = (wanted, forward)
        return self._loaded[1]

    def _n_processes(self, n_views: int) -> int:
        if len(self.images) * n_views < POOL_IMAGES:
            return 1
        return self.n_processes or max(1, (os.cpu_count() or 1) // 2)  # each keeps two cores busy

    def _watched(self, chunks: Iterator[np.ndarray], what: str) -> Iterator[np.ndarray]:
        """Pass chunks on and tell how far they are."""
        done, total = 0, len(self.images)
        for chunk in chunks:
            yield chunk
            done += len(chunk)
            self.progress(Progress(what=what, done=done, total=total))
