"""The labelled images a study works on, as one frozen record. Imports numpy and the errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHOWN = 5  # classes named in one error


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dataset:
    """Labelled images of one size.

    Attributes:
        images: shape (n_images, height, width, 3), uint8, RGB.
        labels: shape (n_images,), int64, class numbers from 0.
        class_names: the name of every class, in the order of its number.
        groups: shape (n_images,); images of one group never stand on both sides of a fold. None: no groups.
        source: what the user gave, for showing.
        names: the file name of every image, where they come from a folder.
        drawn: whether the images are drawn, not photographed: true only for the demo.
        fingerprint: 16 hexadecimal digits over pixels, shape, labels, class names and groups.

    Raises:
        DataError: there are fewer than two classes, or a class has no images.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    groups: np.ndarray | None = None
    source: str = ""
    names: tuple[str, ...] | None = None
    drawn: bool = False
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        _check_classes(self)
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
    def class_counts(self) -> tuple[int, ...]:
        """The number of images of every class, in the order of the class numbers."""
        return tuple(np.bincount(self.labels, minlength=self.n_classes).tolist())


def _check_classes(dataset: Dataset) -> None:
    """Refuse labels of one class only, and labels that leave a class without images."""
    titles = [
        name if name == str(i) else f"{i} ({name})" for i, name in enumerate(dataset.class_names)
    ]
    empty = [title for title, count in zip(titles, dataset.class_counts, strict=True) if count == 0]
    if dataset.n_classes - len(empty) < 2:
        only = ", ".join(title for title in titles if title not in empty)
        raise DataError(
            f"{dataset.source}: all images are of one class: {only}; two classes or more are needed"
        )
    if empty:
        raise DataError(
            f"{dataset.source}: no images of class {', '.join(empty[:SHOWN])}{' and more' * (len(empty) > SHOWN)}; "
            f"every class from 0 to {dataset.n_classes - 1} needs some: add images or renumber the labels"
        )


def _fingerprint(dataset: Dataset) -> str:
    """Hash what training sees; groups count as a partition, whatever their names."""
    digest = blake2b(digest_size=8)
    digest.update(
        repr((dataset.images.shape, dataset.class_names, dataset.groups is not None)).encode()
    )
    digest.update(np.ascontiguousarray(dataset.images).data)
    digest.update(dataset.labels.astype("<i8").tobytes())
    if dataset.groups is not None:
        digest.update(np.unique(dataset.groups, return_inverse=True)[1].astype("<i8").tobytes())
    return digest.hexdigest()
