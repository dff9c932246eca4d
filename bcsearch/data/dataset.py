"""The labelled images a study works on, as one frozen record."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.data.naming import some_of
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bcsearch.data.image_set import ImageSet


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dataset:
    """Labelled images of one size.

    ``dataclasses.replace(dataset, groups=...)`` is cheap: images that stay are not hashed again.

    Attributes:
        images: shape (n_images, height, width, 3), uint8, RGB; never changed in place.
        labels: shape (n_images,), int64, class numbers from 0.
        class_names: the name of every class, in the order of its number.
        groups: shape (n_images,); no fold splits a group. None: no groups.
        excluded: shape (n_images,), whether an image is neither trained nor scored on. None: none.
        source: what the user gave, for showing.
        names: the file name of every image, where they come from a folder.
        names_on_disk: class names that the fingerprint is made of, where they are written in
            another way than ``class_names``.
        valid: shape (n_images,), whether an image is of the data's own validation part, which is
            then the single fold. None: there is none.
        test: the data's own test part, or other images to score the finished model on.
        sizes: shape (n_images, 2), heights and widths as they came. None: those of ``images``.
        original: digits over the images as they came, where arrays were resized.
        notes: what was taken for what, and what was left out, in lines.
        drawn: whether the images are drawn, not photographed: true only for the demo.
        pixels: 16 hexadecimal digits over the images alone; always computed here.
        hashed_images: the images that ``pixels`` was computed from.
        fingerprint: 16 hexadecimal digits over pixels, labels, class names and groups.

    Raises:
        DataError: there are fewer than two classes, or a class has no images.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    groups: np.ndarray | None = None
    excluded: NDArray[np.bool_] | None = None
    source: str = ""
    names: tuple[str, ...] | None = None
    names_on_disk: tuple[str, ...] | None = None
    valid: NDArray[np.bool_] | None = None
    test: ImageSet | None = None
    sizes: NDArray[np.int64] | None = None
    original: str = ""
    notes: tuple[str, ...] = ()
    drawn: bool = False
    pixels: str = ""
    hashed_images: NDArray[np.uint8] | None = field(default=None, repr=False)
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        _check_classes(self)
        if self.hashed_images is not self.images:
            object.__setattr__(self, "pixels", hash_pixels(self.images))
            object.__setattr__(self, "hashed_images", self.images)
        object.__setattr__(self, "fingerprint", _fingerprint(self))

    @property
    def n_images(self) -> int:
        """The number of images."""
        return len(self.labels)

    @property
    def n_classes(self) -> int:
        """The number of classes, each of them with at least one image."""
        return len(self.class_names)

    @property
    def kept(self) -> NDArray[np.int64]:
        """The rows that are not excluded, rising."""
        if self.excluded is None:
            return np.arange(self.n_images)
        return np.flatnonzero(~self.excluded)

    @property
    def order_fingerprint(self) -> str:
        """16 hexadecimal digits, equal where a row's number means the same image and label.

        It does not depend on the size that images are read with; files count by their names.
        """
        digest = blake2b(repr(self.names or self.original or self.pixels).encode(), digest_size=8)
        digest.update(repr(self.names_on_disk or self.class_names).encode())
        digest.update(self.labels.astype("<i8").tobytes())
        return digest.hexdigest()

    @property
    def content(self) -> str:
        """16 hexadecimal digits over pixels, labels and class names alone."""
        return replace(self, groups=None, excluded=None).fingerprint

    @property
    def given(self) -> str:
        """The fingerprint where groups or excluded rows were given with the images, else empty."""
        if self.groups is None and self.excluded is None:
            return ""
        return self.fingerprint

    @property
    def class_counts(self) -> tuple[int, ...]:
        """The number of images of every class, excluded ones left out."""
        return tuple(np.bincount(self.labels[self.kept], minlength=self.n_classes).tolist())


def _check_classes(dataset: Dataset) -> None:
    """Refuse labels of one class only, and labels that leave a class without images."""
    present: list[str] = []
    empty: list[str] = []
    for number, (name, count) in enumerate(
        zip(dataset.class_names, dataset.class_counts, strict=False)
    ):
        titles = present if count else empty
        titles.append(name if name.isdigit() else f"{number} ({name})")
    if len(present) < 2:
        raise DataError(
            f"{dataset.source}: all images are of one class: {some_of(present)}; "
            "two classes or more are needed"
        )
    if empty:
        shown = ", ".join(empty[:5]) + " and more" * (len(empty) > 5)
        raise DataError(
            f"{dataset.source}: no images of class {shown}; every class from 0 to "
            f"{dataset.n_classes - 1} needs some: add images or renumber the labels"
        )


def hash_pixels(images: NDArray[np.uint8]) -> str:
    """Return 16 hexadecimal digits over images."""
    digest = blake2b(repr(images.shape).encode(), digest_size=8)
    digest.update(np.ascontiguousarray(images).data)
    return digest.hexdigest()


def _fingerprint(dataset: Dataset) -> str:
    """Hash what training sees; groups count as a partition, whatever their names."""
    digest = blake2b(digest_size=8)
    digest.update(repr((dataset.pixels, dataset.names_on_disk or dataset.class_names)).encode())
    digest.update(dataset.labels.astype("<i8").tobytes())
    if dataset.groups is not None:
        _, partition = np.unique(dataset.groups, return_inverse=True)
        digest.update(partition.astype("<i8").tobytes())
    if dataset.excluded is not None:
        digest.update(dataset.excluded.tobytes())
    return digest.hexdigest()
