"""Views and the frozen backbone's activations of one set of images, each computed once. Imports augment, backbones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import joblib
import numpy as np

from bcsearch.augment import views
from bcsearch.backbones.cuts import INPUT, POOLED, cuts_of
from bcsearch.backbones.weights import WeightsKind
from bcsearch.features.entry import EntryKey, checksum
from bcsearch.features.prefix import Prefix
from bcsearch.features.store import Rows, Stored
from bcsearch.records.events import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import Executor

    import keras

    from bcsearch.backbones.weights import ResolvedWeights
    from bcsearch.features.store import Store
    from bcsearch.records import Params

MEANING = 2  # raise it when activations of the same view change
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
        jit_compile: whether XLA compiles frozen passes: it makes most networks slower on a CPU.
        prefix: the frozen backbone at hand.
        passes: images that were put through a frozen part of a backbone, each time counted.
    """

    images: np.ndarray
    fingerprint: str
    store: Store
    weights: Mapping[str, ResolvedWeights]
    seed: int
    batch_size: int = 64
    n_processes: int = 0
    progress: Callable[[Progress], None] = lambda _: None
    jit_compile: bool = False
    _original: Stored | None = field(init=False, default=None)
    prefix: Prefix = field(init=False)
    passes: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        height, width = self.images.shape[1:3]
        self.prefix = Prefix(
            weights=self.weights,
            seed=self.seed,
            image_shape=(height, width),
            batch_size=self.batch_size,
            jit_compile=self.jit_compile,
        )

    def backbone(self, params: Params) -> keras.Model:
        """Return the frozen backbone of a configuration, from images of its size to features; never to be trained."""
        return self.prefix.backbone(params.backbone, params.image_size)

    def activations(
        self, params: Params, cut: str, *, clean_only: bool = False
    ) -> tuple[np.ndarray, ...]:
        """Return the activations at a cut for every view; the first is the original's, and alone if ``clean_only``.

        Each has shape (n, *shape of the cut) and is float16 or float32; at the cut ``input`` they are the images of the
        views, uint8, of the dataset's size. The arrays are read-only and hold their entry in the cache while they live.
        """
        stored = self._views(params, 1 if clean_only else params.canonical().views)
        if cut == INPUT:
            return tuple(view.data for view in stored)
        return tuple(
            self._at_cut(params, cut, index, view).data for index, view in enumerate(stored)
        )

    def _views(self, params: Params, n_views: int) -> list[Stored]:
        """Return the original and what the store has of the augmented views, made where it has none."""
        with views.view_pool(self.processes_for(n_views - 1)) as pool:
            return [
                self._first(),
                *(self._view(params.augment, i, pool) for i in range(1, n_views)),
            ]

    def _view(self, policy: str, index: int, pool: Executor | None) -> Stored:
        def chunks() -> Iterator[np.ndarray]:
            made = views.make_view(self.images, policy, index, self.seed, pool)
            return self._watched(made, f"augmented copy {index} ({policy})")

        return self.store.get_or_compute(
            self.view_key(policy, index),
            lambda: Rows(shape=self.images.shape, dtype=np.dtype(np.uint8), chunks=chunks),
        )

    def view_key(self, policy: str, index: int) -> EntryKey:
        """Return the key of an augmented view; the original, view 0, is never stored."""
        return EntryKey.of(
            "view",
            dataset=self.fingerprint,
            policy=policy,
            index=index,
            seed=self.seed,
            meaning=views.MEANING,
        )

    def _at_cut(self, params: Params, cut: str, index: int, view: Stored) -> Stored:
        """Return the activations of one view, computed from the nearest shallower cut that is kept."""

        def compute() -> Rows:
            start, source = self._nearest(params, cut, view)
            forward = self.prefix.forward(
                params.backbone, params.image_size, start, cut, source.dtype
            )
            copy = f"augmented copy {index} ({params.augment})" if index else "the images"
            part = "" if cut == POOLED else f" up to {cut}"
            what = f"{params.backbone} at {params.image_size} pixels{part} over {copy}"
            return Rows(
                shape=(len(source), *forward.output_shape),
                dtype=np.dtype(np.float16),
                chunks=lambda: self._counted(self._watched(forward.run(source), what)),
            )

        return self.store.get_or_compute(self.cut_key(params, cut, view.checksum), compute)

    def _nearest(self, params: Params, cut: str, view: Stored) -> tuple[str, np.ndarray]:
        """Return the deepest kept cut below ``cut`` with its activations; the input with the view where none is."""
        names = [known.name for known in cuts_of(params.backbone, params.image_size)]
        for name in reversed(names[1 : names.index(cut)]):
            kept = self.store.find(self.cut_key(params, name, view.checksum))
            if kept is not None:
                return name, kept.data
        return INPUT, view.data

    def cut_key(self, params: Params, cut: str, view_checksum: str) -> EntryKey:
        """Return the key of one view's activations at a cut."""
        weights = self.weights[params.backbone]
        return EntryKey.of(
            "activations",
            dataset=self.fingerprint,
            backbone=params.backbone,
            weights=weights.fingerprint,
            weights_seed=self.seed if weights.kind is WeightsKind.RANDOM else 0,
            cut=cut,
            image_size=params.image_size,
            view=view_checksum,
            meaning=MEANING,
        )

    def is_kept(self, params: Params, cut: str, index: int) -> bool:
        """Whether the store has a view at a cut, at ``input`` the view itself; its records are asked, not its data."""
        view = self.view_checksum(params.augment, index)
        if cut == INPUT or view is None:
            return index == 0 or view is not None
        return self.store.record_of(self.cut_key(params, cut, view)) is not None

    def view_checksum(self, policy: str, index: int) -> str | None:
        """Return the checksum of a view; None where it has not been made."""
        if index == 0:
            return self._first().checksum
        record = self.store.record_of(self.view_key(policy, index))
        return None if record is None else record.checksum

    def _first(self) -> Stored:
        if self._original is None:
            self._original = Stored(data=self.images, checksum=checksum(self.images))
        return self._original

    def processes_for(self, n_views: int) -> int:
        """Return how many processes make so many augmented views."""
        if len(self.images) * n_views < POOL_IMAGES:
            return 1
        return self.n_processes or max(1, joblib.cpu_count() // 2)  # each keeps two cores busy

    def _counted(self, chunks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        for chunk in chunks:
            self.passes += len(chunk)
            yield chunk

    def _watched(self, chunks: Iterator[np.ndarray], what: str) -> Iterator[np.ndarray]:
        """Pass chunks on and tell how far they are."""
        done, total = 0, len(self.images)
        for chunk in chunks:
            yield chunk
            done += len(chunk)
            self.progress(Progress(what=what, done=done, total=total))
