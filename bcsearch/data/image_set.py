"""Images as a source gives them, labelled or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bcsearch.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageSet:
    """Images to predict or to score; classes may be missing among them.

    Attributes:
        images: shape (n_images, height, width, 3), uint8, RGB.
        labels: shape (n_images,), int64, class numbers from 0. None: not known.
        class_names: of the numbers in labels. None: not known.
        groups: shape (n_images,). None: no groups.
        names: the file name of every image. None: they have none.
        source: what the user gave, for showing.
        holds: what was found in the source, for errors.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    class_names: tuple[str, ...] | None
    groups: np.ndarray | None = None
    names: tuple[str, ...] | None = None
    source: str
    holds: str

    @property
    def row_names(self) -> tuple[str, ...]:
        """The file name of every image, or its row number where it has none."""
        return self.names or tuple(map(str, range(len(self.images))))

    def require_labels(self) -> NDArray[np.int64]:
        """Return the labels. Raises DataError when they are not known."""
        if self.labels is None:
            raise DataError(
                f"{self.source}: holds {self.holds} but no labels; "
                "needed: an .npz file with data and labels, or a folder with a sub-folder a class"
            )
        return self.labels
