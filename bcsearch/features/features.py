"""Views and the frozen backbones' activations of one set of images, each computed once and kept."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import joblib
import numpy as np

from bcsearch.backbones.cuts import INPUT, POOLED_BY, names_up_to
from bcsearch.backbones.weights import WeightsKind
from bcsearch.features.entry import EntryKey, Rows, Stored, checksum
from bcsearch.features.once import collected
from bcsearch.features.prefix import Prefix
from bcsearch.pool import process_pool
from bcsearch.records.events import Progress
from bcsearch.views import making
from bcsearch.views.view import View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor

    import keras

    from bcsearch.backbones.weights import ResolvedWeights
    from bcsearch.features.store import Store

MEANING = 3  # raise it when activations of the same view change
POOL_IMAGES = 10_000  # changed images from which starting processes pays: they load TensorFlow


class Need(NamedTuple):
    """Activations that something reads: a view at a cut; at the cut ``input`` the view itself."""

    cut: str
    view: View


@dataclass(slots=True, kw_only=True, eq=False)
class Features:
    """What training reads of the images.

    Attributes:
        images: shape (n, height, width, 3), uint8, RGB.
        weights: what each backbone starts from, by its name.
        weights_seed: acts on random weights.
        batch_size: images in one forward pass.
        n_processes: makes views of large sets; 0 means one for every two cores.
        jit_compile: whether XLA compiles frozen passes: it makes most networks slower on a CPU.
        prefix: the frozen backbone that was used last.
        passes: images that were put through a frozen part of a backbone, each time counted.
    """

    images: np.ndarray
    store: Store
    weights: Mapping[str, ResolvedWeights]
    weights_seed: int = 0
    batch_size: int = 64
    n_processes: int = 0
    progress: Callable[[Progress], None] = lambda _: None
    jit_compile: bool = False
    prefix: Prefix = field(init=False)
    passes: int = field(init=False, default=0)
    _original: Stored | None = field(init=False, default=None)
    _done: int = field(init=False, default=0)
    _expected: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        height, width = self.images.shape[1:3]
        self.prefix = Prefix(
            weights=self.weights,
            seed=self.weights_seed,
            image_shape=(height, width),
            batch_size=self.batch_size,
            jit_compile=self.jit_compile,
        )

    def backbone(self, name: str, image_size: int) -> keras.Model:
        """Return a frozen backbone, from images of that size to features; never to be trained."""
        return self.prefix.backbone(name, image_size)

    def activations(self, backbone: str, image_size: int, cut: str, view: View) -> np.ndarray:
        """Return the activations of a view at a cut, (n, *shape of the cut), float16 or float32.

        At the cut ``input`` they are the pixels of the view, uint8, of the dataset's size. The
        array is read-only and holds its entry in the cache while it lives.
        """
        pixels = self._pixels(view)
        if cut == INPUT:
            return pixels.data

        key = self.cut_key(backbone, image_size, cut, pixels.checksum)
        reached = cut if cut in POOLED_BY.values() else f"up to {cut}"
        title = f"{backbone} at {image_size} pixels, {reached}, view {view.title}"
        key = replace(key, title=title)

        def compute() -> Rows:
            return self._passed(backbone, image_size, cut, title, pixels)

        return self.store.get_or_compute(key, compute).data

    def pixels(self, view: View) -> np.ndarray:
        """Return the images of a view, (n, height, width, 3) uint8, read-only."""
        return self._pixels(view).data

    def pass_once(
        self,
        backbone: str,
        image_size: int,
        cut: str,
        chunks: Iterable[np.ndarray],
        rows: np.ndarray,
    ) -> np.ndarray:
        """Return activations of images that are shown once, of the form of ``activations``.

        They are kept nowhere. At the cut ``input`` they are the pixels.

        Args:
            backbone: its name.
            image_size: what it is given.
            cut: where.
            chunks: pixels of all images, consecutive ones together.
            rows: the images that are wanted, rising; the others are 0.
        """
        if cut == INPUT:
            return collected(chunks, rows, lambda pixels: [pixels], np.zeros_like(self.images))
        forward = self.prefix.forward(backbone, image_size, INPUT, cut, self.images.dtype)
        empty = np.zeros((len(self.images), *forward.output_shape), np.float16)
        return collected(chunks, rows, lambda pixels: self._counted(forward.run(pixels)), empty)

    def prepare(self, backbone: str, image_size: int, needs: Sequence[Need]) -> None:
        """Compute what is missing of some activations, in this order, as one progress."""
        views = {need.view for need in needs}
        missing_views = [view for view in views if view.ops and not self.is_kept_view(view)]
        missing = [need for need in needs if not self.is_kept(backbone, image_size, need)]
        missing_passes = [need for need in missing if need.cut != INPUT]
        self._done = 0
        self._expected = len(self.images) * (len(missing_views) + len(missing_passes))
        ordered = sorted(missing_views, key=lambda view: view.copy)
        with process_pool(self.processes_for(len(ordered)), making.begin_views) as pool:
            kept = [self._pixels(view, pool) for view in ordered]
        arrays = [self.activations(backbone, image_size, *need) for need in missing]
        del kept, arrays  # held until here, so that a limit of the cache removed none of them
        self._done = self._expected = 0

    def is_kept(self, backbone: str, image_size: int, need: Need) -> bool:
        """Whether the store has activations; its records are asked, not its data."""
        view = self._checksum_of(need.view)
        if need.cut == INPUT or view is None:
            return view is not None
        key = self.cut_key(backbone, image_size, need.cut, view)
        return self.store.record_of(key) is not None

    def is_kept_view(self, view: View) -> bool:
        """Whether the store has the pixels of a view; the original needs none."""
        return self._checksum_of(view) is not None

    def seconds_of(self, backbone: str, image_size: int, need: Need) -> float:
        """Return how long computing kept activations took, 0 where they are not kept."""
        view = self._checksum_of(need.view)
        if need.cut == INPUT or view is None:
            return 0.0
        record = self.store.record_of(self.cut_key(backbone, image_size, need.cut, view))
        return 0.0 if record is None else record.seconds

    def view_key(self, view: View) -> EntryKey:
        """Return the key of a view: pixels and operations, nothing else."""
        original = self._pixels(View()).checksum
        return EntryKey.of(
            "view", f"view {view.title}", images=original, view=view.text, meaning=making.MEANING
        )

    def cut_key(self, backbone: str, image_size: int, cut: str, view_checksum: str) -> EntryKey:
        """Return the key of a view's activations at a cut, given by the checksum of its pixels."""
        weights = self.weights[backbone]
        seed = 0
        if weights.kind is WeightsKind.RANDOM:
            seed = self.weights_seed
        return EntryKey.of(
            "activations",
            backbone=backbone,
            weights=weights.fingerprint,
            weights_seed=seed,
            cut=cut,
            image_size=image_size,
            view=view_checksum,
            meaning=MEANING,
        )

    def processes_for(self, n_views: int) -> int:
        """Return how many processes make so many changed views."""
        if len(self.images) * n_views < POOL_IMAGES:
            return 1
        return self.n_processes or max(1, joblib.cpu_count() // 2)  # each keeps two cores busy

    def _pixels(self, view: View, pool: Executor | None = None) -> Stored:
        if not view.ops:
            if self._original is None:
                self._original = Stored(data=self.images, checksum=checksum(self.images))
            return self._original

        def compute() -> Rows:
            return Rows(
                shape=self.images.shape,
                dtype=np.dtype(np.uint8),
                chunks=lambda: self._watched(making.make_view(self.images, view, pool), key.title),
            )

        key = self.view_key(view)
        return self.store.get_or_compute(key, compute)

    def _checksum_of(self, view: View) -> str | None:
        """Return the checksum of a view's pixels; None where it has not been made."""
        if not view.ops:
            return self._pixels(view).checksum
        record = self.store.record_of(self.view_key(view))
        if record is None:
            return None
        return record.checksum

    def _passed(self, backbone: str, image_size: int, cut: str, title: str, pixels: Stored) -> Rows:
        """Return what computes activations from the nearest shallower cut that is kept."""
        start, source = INPUT, pixels.data
        for name in reversed(names_up_to(backbone, image_size, cut)[1:-1]):
            kept = self.store.find(self.cut_key(backbone, image_size, name, pixels.checksum))
            if kept is not None:
                start, source = name, kept.data
                break
        forward = self.prefix.forward(backbone, image_size, start, cut, source.dtype)
        return Rows(
            shape=(len(source), *forward.output_shape),
            dtype=np.dtype(np.float16),
            chunks=lambda: self._counted(self._watched(forward.run(source), title)),
        )

    def _counted(self, chunks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        for chunk in chunks:
            self.passes += len(chunk)
            yield chunk

    def _watched(self, chunks: Iterator[np.ndarray], what: str) -> Iterator[np.ndarray]:
        """Pass chunks on and report how far all that is expected is."""
        first = self._done
        for chunk in chunks:
            yield chunk
            self._done += len(chunk)
            total = max(self._expected, first + len(self.images))
            self.progress(Progress(what=what, done=self._done, total=total))
