"""Images as a source gives them, labelled or not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bcsearch.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageSet:
    """Images to train on, to predict or to score; classes may be missing among them.

    Attributes:
        images: shape (n_images, height, width, 3), uint8, RGB.
        labels: shape (n_images,), int64, class numbers from 0. None: not known.
        class_names: of the numbers in labels. None: not known.
        names_on_disk: class names as they are fingerprinted, before accents are composed.
        groups: shape (n_images,). None: no groups.
        parts: shape (n_images,), text: train, val or test. None: the source has no split.
        names: the file name of every image. None: they have none.
        sizes: shape (n_images, 2), heights and widths as they came. None: those of ``images``.
        original: digits over those to train on as they came. Empty: not resized, or files.
        source: what the user gave, for showing.
        holds: what was found in the source, for errors.
        notes: what was taken for what, and what was left out, in lines.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    class_names: tuple[str, ...] | None
    names_on_disk: tuple[str, ...] | None = None
    groups: np.ndarray | None = None
    parts: np.ndarray | None = None
    names: tuple[str, ...] | None = None
    sizes: NDArray[np.int64] | None = None
    original: str = ""
    source: str
    holds: str
    notes: tuple[str, ...] = ()

    @property
    def row_names(self) -> tuple[str, ...]:
        """The file name of every image, or its row number where it has none."""
        return self.names or tuple(map(str, range(len(self.images))))

    def require_labels(self) -> NDArray[np.int64]:
        """Return the labels. Raises DataError when they are not known."""
        if self.labels is None:
            raise DataError(
                f"{self.source}: holds {self.holds} but no labels; needed: arrays of images and "
                "labels (--labels-key names them), a folder with a sub-folder for every class, or "
                "a table of paths and labels"
            )
        return self.labels

    def rows(self, chosen: NDArray[np.int64]) -> ImageSet:
        """Return the images of some rows."""
        if len(chosen) == len(self.images):
            return self
        names = self.names
        if names is not None:
            names = tuple(names[row] for row in chosen)
        arrays: dict[str, Any] = {}
        for field in ("labels", "groups", "parts", "sizes"):
            values = getattr(self, field)
            arrays[field] = None if values is None else values[chosen]
        return replace(self, images=self.images[chosen], names=names, **arrays)

    def part(self, *wanted: str) -> ImageSet:
        """Return the images of some parts; none where the source has no such part."""
        parts = self.parts
        if parts is None:
            parts = np.full(len(self.images), "train")
        return self.rows(np.flatnonzero(np.isin(parts, wanted)))
