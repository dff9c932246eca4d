"""Files of a trial beside the database: its out-of-fold probabilities. Imports numpy and paths."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bcsearch.paths import replacing


class Artifacts:
    """The folder of a study's files."""

    def __init__(self, study_dir: Path) -> None:
        self.folder = Path(study_dir) / "out_of_fold"

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

    def _path(self, number: int) -> Path:
        return self.folder / f"trial-{number:05d}.npy"
