"""Files of a study's trials beside the database: out-of-fold probabilities, checkpoints. Imports numpy and paths."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.paths import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable


class Artifacts:
    """The folder of a study's files."""

    def __init__(self, study_dir: Path) -> None:
        self.folder = Path(study_dir)
        self._probabilities, self._checkpoints = self.folder / "out_of_fold", self.folder / "checkpoints"

    def save_probabilities(self, number: int, probabilities: np.ndarray) -> None:
        """Keep a trial's out-of-fold probabilities, (n_images, n_classes) float16.

        Raises:
            DiskError: the file cannot be written.
        """
        with replacing(self._path(number)) as draft:
            np.save(draft, probabilities.astype(np.float16))

    def probabilities(self, number: int) -> np.ndarray | None:
        """Return a completed trial's out-of-fold probabilities, (n_images, n_classes) float16; None if not kept."""
        path = self._path(number)
        if not path.exists():
            return None
        kept: np.ndarray = np.load(path, allow_pickle=False)
        return kept

    def checkpoint_path(self, number: int) -> Path:
        """Return where the checkpoint of a trial lies, by the number of its first attempt."""
        return self._checkpoints / f"trial-{number:05d}.npz"

    def shrink(self, limit_bytes: int, worst_first: Iterable[int]) -> None:
        """Remove probabilities in this order until those that are left fit into the limit."""
        sizes = {path: path.stat().st_size for path in self._probabilities.glob("trial-*.npy")}
        used = sum(sizes.values())
        for number in worst_first:
            if used <= limit_bytes:
                return
            path = self._path(number)
            used -= sizes.get(path, 0)
            path.unlink(missing_ok=True)

    def remove_checkpoints(self) -> None:
        """Remove what checkpoints are left, once the study's budget is used up."""
        shutil.rmtree(self._checkpoints, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self._probabilities / f"trial-{number:05d}.npy"
